"""Adam, SGD and Adadelta for a training loop that has already summed the gradients of all replicas.

Keras's optimizers sum over the replicas themselves, after clipping each replica's share: the clip
would see the wrong norm. Here the loop sums first, clips, and hands over the sum.
"""

import keras
from keras import ops


class _SummedGradients:
    """Mixed in before a Keras optimizer: the gradients that come are the sum over the replicas."""

    def _all_reduce_sum_gradients(self, grads_and_vars):
        return list(grads_and_vars)


@keras.saving.register_keras_serializable("textmill")
class Adam(_SummedGradients, keras.optimizers.Adam):
    """Adam with epsilon added to the bias-corrected root, as in algorithm 1 of its paper.

    Keras adds it to the uncorrected root ("epsilon hat", the end of section 2), which differs in
    the first steps. `weight_decay` is decoupled, so that with it this is AdamW.
    Sources: Kingma and Ba 2015, https://arxiv.org/abs/1412.6980;
    Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101, algorithm 2.
    """

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        # All in float32, so that the rounding of 1 - beta cancels between moments and corrections.
        beta_1, beta_2 = ops.cast(self.beta_1, "float32"), ops.cast(self.beta_2, "float32")
        step = ops.cast(self.iterations + 1, "float32")
        root = ops.sqrt(1 - ops.power(beta_2, step))
        rate = ops.cast(learning_rate, "float32") * root / (1 - ops.power(beta_1, step))
        if keras.backend.backend() == "tensorflow":
            from components.fused_adam import fused_adam

            fused_adam(variable, m, v, gradient, rate, beta_1, beta_2, self.epsilon * root)
            return
        gradient = ops.cast(gradient, variable.dtype)
        self.assign_add(m, (gradient - m) * (1 - beta_1))
        self.assign_add(v, (ops.square(gradient) - v) * (1 - beta_2))
        self.assign_sub(variable, rate * m / (ops.sqrt(v) + self.epsilon * root))


@keras.saving.register_keras_serializable("textmill")
class SGD(_SummedGradients, keras.optimizers.SGD):
    """Stochastic gradient descent, with momentum if asked; `weight_decay` is decoupled."""


@keras.saving.register_keras_serializable("textmill")
class Adadelta(_SummedGradients, keras.optimizers.Adadelta):
    """Zeiler 2012, https://arxiv.org/abs/1212.5701, algorithm 1."""
