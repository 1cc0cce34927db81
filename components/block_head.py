"""The head of ULMFiT's classifier."""

import keras

from components.batch_norm import BatchNorm


@keras.saving.register_keras_serializable("textmill")
class BlockHead(keras.layers.Layer):
    """Twice batch normalization, dropout and a linear layer, with a relu in between.

    The scores are float32 under every precision: 8 bits of mantissa tie classes that differ.

    Call: x (B, D), and optionally real (B,) bool, False where a row fills up the batch ->
        (B, num_outputs) float32 logits.
    Args: num_outputs; units, of the linear layer in between; dropouts, the two rates; seed.
    Source: Howard and Ruder 2018, https://arxiv.org/abs/1801.06146, section 3.3; the width and the
        rates are those of section 4.1 and of its code, https://github.com/fastai/fastai.
    """

    def __init__(self, num_outputs, units=50, dropouts=(0.4, 0.1), seed=0, **kwargs):
        super().__init__(**kwargs)
        self.num_outputs, self.units = num_outputs, units
        self.dropouts, self.seed = tuple(dropouts), seed
        rest = {"dtype": self.dtype_policy}
        self.norms = [BatchNorm(name=f"norm_{n}", **rest) for n in range(2)]
        self.drops = [
            keras.layers.Dropout(rate, seed=seed + n, name=f"drop_{n}", **rest)
            for n, rate in enumerate(self.dropouts)
        ]
        uniform = keras.initializers.GlorotUniform
        self.inner = keras.layers.Dense(
            units, "relu", kernel_initializer=uniform(seed), name="inner", **rest
        )
        self.project = keras.layers.Dense(
            num_outputs, kernel_initializer=uniform(seed + 1), name="project", dtype="float32"
        )

    def build(self, x_shape, **_):
        between = (x_shape[0], self.units)
        for layer, shape in zip(
            (*self.norms, self.inner, self.project), (x_shape, between) * 2, strict=True
        ):
            layer.build(shape)

    def call(self, x, real=None, training=None):
        for norm, drop, layer in zip(
            self.norms, self.drops, (self.inner, self.project), strict=True
        ):
            x = layer(drop(norm(x, real=real, training=training), training=training))
        return x

    def get_config(self):
        return {
            **super().get_config(),
            "num_outputs": self.num_outputs,
            "units": self.units,
            "dropouts": self.dropouts,
            "seed": self.seed,
        }
