"""The update of Adam in one pass over memory: TensorFlow's own kernel in place of eight ops.

The portable update beside it is in `components.optimizers.Adam.update_step`; tests hold them equal.
"""

import keras
import tensorflow as tf


def fused_adam(variable, m, v, gradient, rate, beta_1, beta_2, epsilon):
    """Update `variable`, its first moment `m` and second moment `v` in place.

    `rate` holds the bias corrections already, so the kernel's own are switched off by powers of 0:
    it computes variable -= rate * m / (sqrt(v) + epsilon).
    """
    tf.raw_ops.ResourceApplyAdam(
        var=_handle(variable),
        m=_handle(m),
        v=_handle(v),
        beta1_power=0.0,
        beta2_power=0.0,
        lr=rate,
        beta1=beta_1,
        beta2=beta_2,
        epsilon=epsilon,
        grad=gradient,
    )


def _handle(variable):
    """The resource behind a variable, on the replica that is being updated."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle
