"""The two language models of ELMo, and what their layers know of each word in its text."""

import keras
from keras import ops

from components.recurrent import Recurrent
from components.turned import turned


@keras.saving.register_keras_serializable("textmill")
class ElmoEncoder(keras.layers.Layer):
    """Two stacks of LSTMs over the vectors of words, one from each end of a text.

    Neither sees anything of the other. From the second on, a layer adds its input to its output.

    Call: x (B, T, P) vectors of words, and optionally mask (B, T) and state, the list from which
        to start -> (B, T, L + 1, 2 P), 0 at padding, and the last states, the forward ones first:
        the words' vectors [x; x], then [forward; backward] of each layer, from the lowest.
        For training as language models: also second (B, T, P), a stream of texts that are turned
        round, which the backward direction reads as it stands instead of x, and the second halves
        of all vectors are of its words; fresh and second_fresh (B, T), where texts begin in each.
    Args: units, of each LSTM; projection, P, or None for P = units; num_layers, L; residual,
        whether layers add their input; cell_clip and projection_clip, bounds or None; dropout,
        rate on each layer's input; seed.
    Sources: Peters et al. 2018, https://arxiv.org/abs/1802.05365, sections 3.1 to 3.4, and its
        code, https://github.com/allenai/bilm-tf, `LanguageModel`.
    """

    def __init__(
        self,
        units=512,
        projection=None,
        num_layers=2,
        residual=True,
        cell_clip=3.0,
        projection_clip=3.0,
        dropout=0.0,
        seed=0,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.supports_masking = True
        self.units, self.projection, self.num_layers = units, projection, num_layers
        self.residual, self.cell_clip, self.projection_clip = residual, cell_clip, projection_clip
        self.dropout, self.seed = dropout, seed
        self.forward, self.backward = (
            [self.level(f"{direction}_{n}", seed + 100 * n + add) for n in range(num_layers)]
            for direction, add in (("forward", 0), ("backward", 50))
        )

    def level(self, name, seed):
        """A layer with the dropout of its input."""
        drop = keras.layers.Dropout(
            self.dropout, seed=seed, dtype=self.dtype_policy, name=f"{name}_drop"
        )
        # Both directions read from first to last: the other one is given texts turned round.
        read = Recurrent(
            self.units,
            projection=self.projection,
            cell_clip=self.cell_clip,
            projection_clip=self.projection_clip if self.projection else None,
            seed=seed,
            dtype=self.dtype_policy,
            name=name,
        )
        return drop, read

    @property
    def output_width(self):
        return self.projection or self.units

    @property
    def state_widths(self):
        """The widths of the states, in their order."""
        return [w for _, layer in self.forward + self.backward for w in layer.state_widths]

    @property
    def groups(self):
        """The layers from bottom to top, both directions of one together."""
        levels = zip(self.forward, self.backward, strict=True)
        return [[forward, backward] for (_, forward), (_, backward) in levels]

    def build(self, x_shape, **_):
        if x_shape[-1] != self.output_width:
            raise ValueError(
                f"words need vectors as wide as the layers' outputs, {self.output_width}."
                f" Received: x of shape {tuple(x_shape)}"
            )
        for _, layer in self.forward + self.backward:
            layer.build(x_shape)

    def call(
        self,
        x,
        mask=None,
        state=None,
        second=None,
        fresh=None,
        second_fresh=None,
        training=None,
    ):
        x = ops.cast(x, self.compute_dtype)
        if mask is not None:
            x = x * ops.cast(mask, x.dtype)[..., None]
        read = turned(x, mask) if second is None else ops.cast(second, self.compute_dtype)
        start, half = state or [None] * 4 * self.num_layers, 2 * self.num_layers
        forward, ends = self.read(self.forward, x, mask, start[:half], fresh, training)
        backward, more = self.read(self.backward, read, mask, start[half:], second_fresh, training)
        if second is None:
            backward = turned(backward, mask)
        return ops.concatenate([forward, backward], axis=-1), ends + more

    def read(self, levels, x, mask, state, fresh, training):
        """One direction: (B, T, P) -> (B, T, L + 1, P) and the last states."""
        outputs, last = [x], []
        for n, (drop, layer) in enumerate(levels):
            x = drop(x, training=training)
            start = None if state[2 * n] is None else state[2 * n : 2 * n + 2]
            output, end = layer(x, mask=mask, state=start, fresh=fresh, training=training)
            x = x + output if self.residual and n else output
            outputs.append(x)
            last += end
        return ops.stack(outputs, axis=2), last

    def compute_mask(self, x, mask=None):
        return None

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "projection": self.projection,
            "num_layers": self.num_layers,
            "residual": self.residual,
            "cell_clip": self.cell_clip,
            "projection_clip": self.projection_clip,
            "dropout": self.dropout,
            "seed": self.seed,
        }
