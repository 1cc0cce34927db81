"""Recurrent layers on top of each other, in one or both directions."""

import keras
from keras import ops

from components.dropouts import LockedDropout
from components.recurrent import Recurrent


@keras.saving.register_keras_serializable("textmill")
class RecurrentStack(keras.layers.Layer):
    """`num_layers` recurrent layers, each reading what the one below gives out.

    A bidirectional layer reads in both directions and gives out the two outputs side by side, so
    both directions of the next layer see both.

    Call: as `Recurrent` -> outputs (B, T, D'), D' the projection or the units, twice that if
        bidirectional, and the last states in one list, from the lowest layer to the highest, a
        layer's forward states before its backward ones.
    Args: units, of each layer and direction; cell; num_layers; bidirectional; dropout, rate of
        the locked dropout on each layer's input; residual, whether a layer above the first adds its
        input to its output; the others as of `Recurrent`; seed.
    Source of the residual: as ELMo's skip connection, Peters et al. 2018,
        https://arxiv.org/abs/1802.05365, section 3.4.
    """

    def __init__(
        self,
        units,
        cell="lstm",
        num_layers=1,
        bidirectional=False,
        dropout=0.0,
        residual=False,
        activation="tanh",
        backward=False,
        projection=None,
        cell_clip=None,
        projection_clip=None,
        forget_bias=1.0,
        recurrent_dropout=0.0,
        seed=0,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        if bidirectional and backward:
            raise ValueError("bidirectional reads backward already. Received: backward=True")
        self.supports_masking = True
        self.units, self.cell, self.num_layers = units, cell, num_layers
        self.bidirectional, self.dropout, self.residual = bidirectional, dropout, residual
        self.options = {
            "activation": activation,
            "backward": backward,
            "projection": projection,
            "cell_clip": cell_clip,
            "projection_clip": projection_clip,
            "forget_bias": forget_bias,
            "recurrent_dropout": recurrent_dropout,
        }
        self.seed = seed
        directions = [False, True] if bidirectional else [backward]
        names = ["forward", "backward"] if bidirectional else ["layer"]
        self.drops = [
            LockedDropout(dropout, seed + n, dtype=self.dtype_policy, name=f"drop_{n}")
            for n in range(num_layers)
        ]
        self.layers = [
            [
                Recurrent(
                    units,
                    cell,
                    **{**self.options, "backward": direction},
                    # Three draws of first weights a layer.
                    seed=seed + 3 * (2 * n + direction),
                    dtype=self.dtype_policy,
                    name=f"{name}_{n}",
                )
                for name, direction in zip(names, directions, strict=True)
            ]
            for n in range(num_layers)
        ]

    @property
    def state_widths(self):
        """The widths of the states, in their order."""
        return [w for level in self.layers for layer in level for w in layer.state_widths]

    @property
    def groups(self):
        """The layers from bottom to top, both directions of one together."""
        return self.layers

    def build(self, x_shape, **_):
        for level in self.layers:
            for layer in level:
                layer.build(x_shape)
            x_shape = (*x_shape[:-1], sum(layer.state_widths[0] for layer in level))
        self.built = True

    def call(self, x, mask=None, state=None, fresh=None, training=None):
        given, last = iter(state or ()), []
        for n, (drop, level) in enumerate(zip(self.drops, self.layers, strict=True)):
            read, outputs = drop(x, training=training), []
            for layer in level:
                start = [next(given) for _ in layer.state_widths] if state else None
                output, end = layer(read, mask=mask, state=start, fresh=fresh, training=training)
                outputs.append(output)
                last += end
            output = ops.concatenate(outputs, axis=-1)
            x = x + output if self.residual and n else output
        return x, last

    def compute_mask(self, x, mask=None):
        return None

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "cell": self.cell,
            "num_layers": self.num_layers,
            "bidirectional": self.bidirectional,
            "dropout": self.dropout,
            "residual": self.residual,
            **self.options,
            "seed": self.seed,
        }
