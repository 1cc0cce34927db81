"""The AWD-LSTM: a stack of LSTMs that drops weights, and features for whole texts."""

from typing import Any, NamedTuple

import keras
from keras import ops

from components import chunked_reading
from components.recurrent import Recurrent
from components.recurrent_steps import Weights


class Drawn(NamedTuple):
    """What is random in a layer: its weights, and the mask (B, 1, D) of its input, or None."""

    weights: Weights
    mask: Any


@keras.saving.register_keras_serializable("textmill")
class AwdLstm(keras.layers.Layer):
    """LSTMs on top of each other, the last as wide as the words' vectors.

    `draw` draws all that is random, `read` is a function of its tensors alone: what was read with
    the same `Drawn` can be read again, to the same numbers.

    Call: x (B, T, D), and optionally mask (B, T) bool, state, the list of (B, U or width) from
        which to start, and fresh (B, T) bool, where texts begin -> outputs (B, T, width) of the
        last layer, 0 at padding, and the last states [h, c of the lowest layer, ...] in float32.
        With a window: x and mask -> (B, 3 * width), see `components.chunked_reading.features`.
    Args: units, U of all layers but the last; width, of the last; num_layers; input_dropout, rate
        of a text's features in x; hidden_dropout, the same between layers; weight_dropout, rate of
        the entries of the recurrent kernels; window, tokens between two cuts of the gradient in a
        text of which features are wanted, or None for outputs; seed.
    Sources: Merity et al. 2017, https://arxiv.org/abs/1708.02182, sections 2, 4.2 and 4.6; all
        weights start uniform on [-1 / sqrt(U), 1 / sqrt(U)], as PyTorch's LSTM, with which it was
        trained, https://github.com/salesforce/awd-lstm-lm; of its two biases we have the sum.
    """

    def __init__(
        self,
        units=1150,
        width=400,
        num_layers=3,
        input_dropout=0.0,
        hidden_dropout=0.0,
        weight_dropout=0.0,
        window=None,
        seed=0,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.supports_masking = True
        self.units, self.width, self.num_layers = units, width, num_layers
        self.input_dropout, self.hidden_dropout = input_dropout, hidden_dropout
        self.weight_dropout, self.window, self.seed = weight_dropout, window, seed
        self.generator = keras.random.SeedGenerator(seed)
        self.layers = [
            Recurrent(
                own,
                weight_dropout=weight_dropout,
                initial_bound=own**-0.5,
                # Four draws of first weights a layer.
                seed=seed + 4 * n,
                dtype=self.dtype_policy,
                name=f"layer_{n}",
            )
            for n, own in enumerate([units] * (num_layers - 1) + [width])
        ]

    @property
    def state_widths(self):
        """The widths of the states, in their order."""
        return [width for layer in self.layers for width in layer.state_widths]

    @property
    def groups(self):
        """The layers from bottom to top, each of which may have a learning rate of its own."""
        return [[layer] for layer in self.layers]

    def build(self, x_shape, **_):
        self.input_widths = [x_shape[-1], *(layer.units for layer in self.layers[:-1])]
        for layer, width in zip(self.layers, self.input_widths, strict=True):
            layer.build((*x_shape[:-1], width))

    def call(self, x, mask=None, state=None, fresh=None, training=None):
        if self.window is not None:
            return chunked_reading.features(self, x, mask, self.window, training)
        drawn = self.draw(ops.shape(x)[0], training)
        return self.read(x, drawn, mask, state, fresh, training)

    def draw(self, rows, training=None):
        """A `Drawn` for each layer, for a batch of so many rows."""
        rates = [self.input_dropout] + [self.hidden_dropout] * (self.num_layers - 1)
        return [
            Drawn(layer.draw(training), self.locked(rows, width, rate if training else 0.0))
            for layer, width, rate in zip(self.layers, self.input_widths, rates, strict=True)
        ]

    def locked(self, rows, width, rate):
        """A mask for all time steps: (B, 1, D) of 0 or 1 / (1 - rate)."""
        if not rate:
            return None
        ones = ops.ones((rows, 1, width))
        return ops.cast(keras.random.dropout(ones, rate, seed=self.generator), self.compute_dtype)

    def read(self, x, drawn, mask=None, state=None, fresh=None, training=None):
        """`call` with what `draw` has drawn."""
        last = []
        for n, (layer, (weights, locked)) in enumerate(zip(self.layers, drawn, strict=True)):
            x = ops.cast(x, self.compute_dtype)
            start = state[2 * n : 2 * n + 2] if state else None
            x = x if locked is None else x * locked
            x, end = layer.read(x, weights, mask, start, fresh, training)
            last += end
        return x, last

    def compute_mask(self, x, mask=None):
        return None

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "width": self.width,
            "num_layers": self.num_layers,
            "input_dropout": self.input_dropout,
            "hidden_dropout": self.hidden_dropout,
            "weight_dropout": self.weight_dropout,
            "window": self.window,
            "seed": self.seed,
        }
