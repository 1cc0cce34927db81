"""Recurrent layers: the plain network, the LSTM and the GRU, in one direction."""

import keras
from keras import ops

from components import recurrent_paths, recurrent_steps
from components.recurrent_steps import Weights

GATES = {"lstm": 4, "gru": 3, "rnn": 1}


@keras.saving.register_keras_serializable("textmill")
class Recurrent(keras.layers.Layer):
    """One recurrent layer, read in one direction.

    Padding stands at the right: a padded step leaves the state as it is and gives out 0, so the
    backward direction starts at a text's last token. A step at which `fresh` is True begins a new
    text: no state crosses the border between it and the step before, in either direction.

    Call: x (B, T, D), and optionally mask (B, T) bool, state, the list of (B, P or U) from which to
        start, fresh (B, T) bool, and perturbation (B, T, P or U), which is added to each step's
        output h_t so that its gradient is the whole of dL/dh_t -> outputs (B, T, P or U) and the
        last state in float32: [h (B, P or U), c (B, U)] of the LSTM, [h (B, U)] of the others.
    Args: units; cell, `lstm`, `gru` or `rnn`; activation, `tanh` or, of the `rnn`, `relu`;
        backward, whether to read from the last token to the first; and of the LSTM: projection,
        the width P of its outputs or None for U; cell_clip and projection_clip, bounds of what
        they name or None; forget_bias, at which the forget gate's bias starts;
        recurrent_dropout, rate of the one mask that h wears at all steps; weight_dropout, rate of
        the entries of the recurrent kernel that a call does without; initial_bound, b where all
        weights and biases start uniform on [-b, b], or None: Glorot's, orthogonal, forget_bias;
        seed.
    Weights: in the layout of Keras's own layers, the gates in the order i f c o and z r h.
    Sources: at the equations in `components.recurrent_steps`; forget_bias: Jozefowicz et al. 2015,
        https://proceedings.mlr.press/v37/jozefowicz15.html; recurrent_dropout: Gal and Ghahramani
        2016, https://arxiv.org/abs/1512.05287, section 4; weight_dropout: Merity et al. 2017,
        https://arxiv.org/abs/1708.02182, section 2.
    """

    def __init__(
        self,
        units,
        cell="lstm",
        activation="tanh",
        backward=False,
        projection=None,
        cell_clip=None,
        projection_clip=None,
        forget_bias=1.0,
        recurrent_dropout=0.0,
        weight_dropout=0.0,
        initial_bound=None,
        seed=0,
        **kwargs,
    ):
        # Autocast would round a carried float32 state to the precision of the products.
        super().__init__(autocast=False, **kwargs)
        if cell not in GATES:
            raise ValueError(f"cell must be one of {sorted(GATES)}. Received: {cell!r}")
        if activation not in ("tanh", "relu"):
            raise ValueError(f"activation must be `tanh` or `relu`. Received: {activation!r}")
        if activation == "relu" and cell != "rnn":
            raise ValueError(f"activation `relu` is for cell `rnn` only. Received: {cell!r}")
        if cell != "lstm" and (projection, cell_clip, projection_clip) != (None, None, None):
            raise ValueError(f"projection and clips are for cell `lstm` only. Received: {cell!r}")
        if projection_clip is not None and projection is None:
            raise ValueError("projection_clip needs a projection. Received: projection=None")
        self.supports_masking = True
        self.units, self.cell, self.activation, self.backward = units, cell, activation, backward
        self.projection, self.cell_clip = projection, cell_clip
        self.projection_clip, self.forget_bias = projection_clip, forget_bias
        self.recurrent_dropout, self.weight_dropout = recurrent_dropout, weight_dropout
        self.initial_bound, self.seed = initial_bound, seed
        self.generator = keras.random.SeedGenerator(seed)
        # An instrument may set it to (x, mask) -> the perturbation of each call.
        self.perturb = None

    @property
    def state_widths(self):
        """The widths of the states, in their order."""
        width = self.projection or self.units
        return [width, self.units] if self.cell == "lstm" else [width]

    def build(self, x_shape, **_):
        glorot, orthogonal = keras.initializers.GlorotUniform, keras.initializers.Orthogonal
        first_bias = self.first_bias
        if self.initial_bound is not None:
            glorot = orthogonal = self.uniform
            first_bias = self.uniform(self.seed + 3)
        sums, width = GATES[self.cell] * self.units, self.state_widths[0]
        self.kernel = self.add_weight((x_shape[-1], sums), glorot(self.seed), name="kernel")
        self.recurrent_kernel = self.add_weight(
            (width, sums), orthogonal(seed=self.seed + 1), name="recurrent_kernel"
        )
        shape = (2, sums) if self.cell == "gru" else (sums,)
        self.bias = self.add_weight(shape, first_bias, name="bias")
        if self.projection is not None:
            self.projection_kernel = self.add_weight(
                (self.units, width), glorot(self.seed + 2), name="projection_kernel"
            )

    def uniform(self, seed):
        return keras.initializers.RandomUniform(-self.initial_bound, self.initial_bound, seed)

    def first_bias(self, shape, dtype=None):
        bias = ops.zeros(shape, dtype)
        if self.cell != "lstm":
            return bias
        i, _, g, o = ops.split(bias, 4)
        return ops.concatenate([i, ops.full_like(i, self.forget_bias), g, o])

    def call(self, x, mask=None, state=None, fresh=None, training=None, perturbation=None):
        weights = self.draw(training)
        return self.read(x, weights, mask, state, fresh, training, perturbation)

    def draw(self, training=None):
        """The `Weights` of one call: in training, entries of the recurrent kernel are dropped."""
        weights = self.cast_weights()
        if not training or not self.weight_dropout:
            return weights
        kept = keras.random.dropout(
            ops.cast(self.recurrent_kernel, "float32"), self.weight_dropout, seed=self.generator
        )
        return weights._replace(recurrent_kernel=ops.cast(kept, self.compute_dtype))

    def read(self, x, weights, mask=None, state=None, fresh=None, training=None, perturbation=None):
        """`call` with weights that `draw` has made."""
        if self.perturb is not None:
            perturbation = self.perturb(x, mask)
        x = by_time(ops.cast(x, self.compute_dtype))
        if state is None:
            state = [ops.zeros((ops.shape(x)[1], width)) for width in self.state_widths]
        state = [ops.cast(s, "float32") for s in state]
        dropped = self.dropped(state[0], training)
        real = None if mask is None else by_time(ops.cast(mask, "bool"))
        keep = None if fresh is None else by_time(self.kept(fresh, mask))
        given = x, state, weights, dropped, real, keep, self, training
        if perturbation is not None:
            push = by_time(ops.cast(perturbation, "float32"))
            outputs, state = recurrent_steps.run(*given, push)
        else:
            run = recurrent_paths.fastest(self, dropped, keep, training)
            outputs, state = run(*given)
        if fresh is not None and self.backward:
            first = self.starts(fresh, mask)[:, :1]
            state = [ops.where(first, 0.0, s) for s in state]
        return ops.cast(by_time(outputs), self.compute_dtype), state

    def cast_weights(self):
        def low(weight):
            return ops.cast(weight, self.compute_dtype)

        bias, recurrent_bias = ops.cast(self.bias, "float32"), None
        if self.cell == "gru":
            bias, recurrent_bias = ops.unstack(bias, axis=0)
        projection = None if self.projection is None else low(self.projection_kernel)
        kernels = low(self.kernel), low(bias), low(self.recurrent_kernel)
        return Weights(*kernels, recurrent_bias, projection)

    def dropped(self, h, training):
        """What h is multiplied by at all steps: 0 or 1 / (1 - rate)."""
        if not training or not self.recurrent_dropout:
            return None
        return keras.random.dropout(ops.ones_like(h), self.recurrent_dropout, seed=self.generator)

    def starts(self, fresh, mask):
        """Where texts begin: padding begins none."""
        return fresh if mask is None else ops.logical_and(fresh, mask)

    def kept(self, fresh, mask):
        """(B, T) bool, False where the step read before belongs to another text."""
        starts = self.starts(fresh, mask)
        if self.backward:
            starts = ops.pad(starts[:, 1:], [[0, 0], [0, 1]])
        return ops.logical_not(starts)

    def compute_mask(self, x, mask=None):
        return None

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "cell": self.cell,
            "activation": self.activation,
            "backward": self.backward,
            "projection": self.projection,
            "cell_clip": self.cell_clip,
            "projection_clip": self.projection_clip,
            "forget_bias": self.forget_bias,
            "recurrent_dropout": self.recurrent_dropout,
            "weight_dropout": self.weight_dropout,
            "initial_bound": self.initial_bound,
            "seed": self.seed,
        }


def by_time(x):
    """(B, T, ...) <-> (T, B, ...)."""
    return ops.swapaxes(x, 0, 1)
