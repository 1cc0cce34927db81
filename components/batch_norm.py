"""Batch normalization whose statistics are those of the examples of a batch, and of all of them."""

from functools import partial

import keras
from keras import ops


@keras.saving.register_keras_serializable("textmill")
class BatchNorm(keras.layers.Layer):
    """Each feature with the mean 0 and the variance 1 of the batch, then scaled and shifted.

    In training the statistics are of the real rows of all replicas together: Keras's own layer
    counts what fills up a batch, or with a mask looks at one replica alone. Where a batch is
    computed in parts, each part has its own. Otherwise the moving averages of what was seen in
    training take their place, and there too if there are fewer than two rows, which have no
    variance. All is computed in float32 under every precision.

    Call: x (B, D), and optionally real (B,) bool, False where a row fills up the batch -> (B, D).
    Args: momentum, the share of a moving average that each batch leaves as it is; epsilon, added
        to variances. The defaults are PyTorch's, with which Howard and Ruder trained.
    Source: Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167, algorithms 1 and 2; the
        moving variance is the biased one, as in Keras.
    """

    def __init__(self, momentum=0.9, epsilon=1e-5, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.momentum, self.epsilon = momentum, epsilon

    def build(self, x_shape, **_):
        weight = partial(self.add_weight, (x_shape[-1],), autocast=False)
        self.gamma, self.beta = weight("ones", name="gamma"), weight("zeros", name="beta")
        # The same on each replica, so that any may tell.
        kept = partial(weight, trainable=False, aggregation="only_first_replica")
        self.moving_mean = kept("zeros", name="moving_mean")
        self.moving_variance = kept("ones", name="moving_variance")

    def call(self, x, real=None, training=None):
        x = ops.cast(x, "float32")
        mean, variance = self.moving_mean, self.moving_variance
        if training:
            real = ops.ones_like(x[:, 0], "bool") if real is None else real
            mean, variance = self.learn(x, real)
        scale = self.gamma * ops.rsqrt(variance + self.epsilon)
        return ops.cast((x - mean) * scale + self.beta, self.compute_dtype)

    def learn(self, x, real):
        """The mean and the variance (D,) to take, of which the averages take their part."""
        rows = ops.cast(real, "float32")[:, None]
        number = total(rows)
        enough, divisor = number > 1, ops.maximum(number, 1)
        mean = total(rows * x) / divisor
        variance = total(rows * ops.square(x - mean)) / divisor
        found = []
        for value, moving in ((mean, self.moving_mean), (variance, self.moving_variance)):
            value = ops.where(enough, value, moving)
            average = self.momentum * moving + (1 - self.momentum) * ops.stop_gradient(value)
            moving.assign(average)
            found.append(value)
        return found

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}


def total(x):
    """Over the rows of all replicas: (B, D) -> (D,)."""
    x = ops.sum(x, axis=0)
    if keras.backend.backend() != "tensorflow":
        return x
    from components import replica_sums

    return replica_sums.summed(x)
