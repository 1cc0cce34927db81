"""Adam, LAMB, SGD and Adadelta for a loop that has already summed the gradients of all replicas.

Keras's optimizers sum over the replicas themselves, after clipping each replica's share: the clip
would see the wrong norm. Here the loop sums first, clips, and hands over the sum. And each variable
may have a rate of its own, which multiplies its update and its decay as PyTorch's parameter groups
do: scaling gradients instead would change nothing for Adam, which divides by their size.
"""

import keras
from keras import ops


class _OwnRates:
    """Mixed in before a Keras optimizer: gradients come summed, and variables have own rates.

    A variable's rate is the schedule's, times `rate_scale`, a variable for the loop to assign,
    times its own of `multipliers`, in the order of the variables that `build` was given.
    `weight_decay` is decoupled: a step takes rate * weight_decay * variable away. For plain SGD
    that is the step for a penalty of weight_decay / 2 * |variable|^2, the decay of PyTorch's SGD.

    Optimizers define `move`, (gradient, variable, rate) -> the update without decay.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.rate_scale = self.add_variable((), "ones", name="rate_scale")

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.multipliers = [1.0] * len(variables)
        # Steps before each variable's first one; it may train later than others.
        self.begun = self.add_variable((len(variables),), dtype="int", name="begun")

    def begin(self, variables):
        """Count the steps of variables from here on, because they were not trained before."""
        places = [[self._get_variable_index(variable)] for variable in variables]
        now = ops.broadcast_to(self.iterations, (len(places),))
        self.begun.assign(ops.scatter_update(self.begun, places, now))

    def update_step(self, gradient, variable, learning_rate):
        rate = learning_rate * self.multipliers[self._get_variable_index(variable)]
        if self.weight_decay and self._use_weight_decay(variable):
            self.assign_sub(variable, variable * ops.cast(rate * self.weight_decay, variable.dtype))
        self.move(gradient, variable, rate)

    def _get_current_learning_rate(self):
        return super()._get_current_learning_rate() * self.rate_scale

    def _apply_weight_decay(self, variables):
        """Keras's knows no variable's own rate; `update_step` decays."""

    def _all_reduce_sum_gradients(self, grads_and_vars):
        return list(grads_and_vars)


@keras.saving.register_keras_serializable("textmill")
class Adam(_OwnRates, keras.optimizers.Adam):
    """Adam with epsilon added to the bias-corrected root, as in algorithm 1 of its paper.

    Keras adds it to the uncorrected root ("epsilon hat", the end of section 2), which differs in
    the first steps. Corrections count a variable's own steps. `weight_decay` is decoupled, so that
    with it this is AdamW.
    Sources: Kingma and Ba 2015, https://arxiv.org/abs/1412.6980;
    Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101, algorithm 2.
    """

    def move(self, gradient, variable, rate):
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        # All in float32, so that the rounding of 1 - beta cancels between moments and corrections.
        beta_1, beta_2 = ops.cast(self.beta_1, "float32"), ops.cast(self.beta_2, "float32")
        step = ops.cast(self.iterations + 1 - self.begun[index], "float32")
        root = ops.sqrt(1 - ops.power(beta_2, step))
        rate = ops.cast(rate, "float32") * root / (1 - ops.power(beta_1, step))
        if keras.backend.backend() == "tensorflow":
            from components.fused_adam import fused_adam

            fused_adam(variable, m, v, gradient, rate, beta_1, beta_2, self.epsilon * root)
            return
        gradient = ops.cast(gradient, variable.dtype)
        self.assign_add(m, (gradient - m) * (1 - beta_1))
        self.assign_add(v, (ops.square(gradient) - v) * (1 - beta_2))
        self.assign_sub(variable, rate * m / (ops.sqrt(v) + self.epsilon * root))


@keras.saving.register_keras_serializable("textmill")
class Lamb(_OwnRates, keras.optimizers.Lamb):
    """Adam's update with the decay in it, scaled to be as long as the weights are: for large
    batches.

    r = m / (sqrt(v) + epsilon) + weight_decay * x, both moments corrected, and the step is
    rate * |x| / |r| * r, or rate * r where one of them is 0. Keras's takes the decay outside of r.
    What is excluded from decay is not scaled either, as in the authors' code.
    Source: You et al. 2020, https://arxiv.org/abs/1904.00962, algorithm 2, phi the identity.
    """

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        gradient = ops.cast(gradient, variable.dtype)
        self.assign_add(m, (gradient - m) * (1 - self.beta_1))
        self.assign_add(v, (ops.square(gradient) - v) * (1 - self.beta_2))
        step = ops.cast(self.iterations + 1 - self.begun[index], "float32")
        beta_1, beta_2 = ops.cast(self.beta_1, "float32"), ops.cast(self.beta_2, "float32")
        mean, root = m / (1 - ops.power(beta_1, step)), ops.sqrt(v / (1 - ops.power(beta_2, step)))
        update, ratio = mean / (root + self.epsilon), 1.0
        if self._use_weight_decay(variable):
            update = update + (self.weight_decay or 0.0) * variable
            own, length = (ops.sqrt(ops.sum(ops.square(x))) for x in (variable, update))
            ratio = ops.where(ops.minimum(own, length) > 0, own / ops.maximum(length, 1e-30), 1.0)
        rate = ops.cast(learning_rate * self.multipliers[index], variable.dtype)
        self.assign_sub(variable, rate * ratio * update)


@keras.saving.register_keras_serializable("textmill")
class SGD(_OwnRates, keras.optimizers.SGD):
    """Stochastic gradient descent, with momentum if asked.

    As in PyTorch the momentum is a sum of gradients and a step's rate is of all of it. Keras sums
    gradients times the rates that they came with: the same as long as the rate stays the same.
    """

    def move(self, gradient, variable, rate):
        update = ops.cast(gradient, variable.dtype)
        if self.momentum:
            m = self.momentums[self._get_variable_index(variable)]
            self.assign(m, self.momentum * m + update)
            update = update + self.momentum * m if self.nesterov else m
        self.assign_sub(variable, ops.cast(rate, variable.dtype) * update)


@keras.saving.register_keras_serializable("textmill")
class Adadelta(_OwnRates, keras.optimizers.Adadelta):
    """Zeiler 2012, https://arxiv.org/abs/1212.5701, algorithm 1."""

    move = keras.optimizers.Adadelta.update_step
