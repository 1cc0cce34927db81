"""From a text's features to raw scores; what the scores mean is up to the loss."""

import keras

from components.constraints import ColumnNorm


@keras.saving.register_keras_serializable("textmill")
class LinearHead(keras.layers.Layer):
    """Dropout, then a score for each output: single label, multi-label and regression alike.

    The scores are float32 under every precision: 8 bits of mantissa tie classes that differ.

    Call: (B, D) features -> (B, num_outputs) float32 logits.
    Args: num_outputs; dropout, rate on the features in training; max_norm, the largest L2 norm of
        an output's weight vector, None for any; seed, of the dropout and of the first weights.
    Source: Kim 2014, https://arxiv.org/abs/1408.5882, section 2.1.
    """

    def __init__(self, num_outputs, dropout=0.5, max_norm=3.0, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.num_outputs, self.dropout = num_outputs, dropout
        self.max_norm, self.seed = max_norm, seed
        self.drop = keras.layers.Dropout(dropout, seed=seed, dtype=self.dtype_policy, name="drop")
        self.project = keras.layers.Dense(
            num_outputs,
            kernel_initializer=keras.initializers.GlorotUniform(seed),
            kernel_constraint=None if max_norm is None else ColumnNorm(max_norm),
            dtype="float32",
            name="project",
        )

    def build(self, input_shape):
        self.project.build(input_shape)
        self.built = True

    def call(self, x, training=None):
        return self.project(self.drop(x, training=training))

    def get_config(self):
        return {
            **super().get_config(),
            "num_outputs": self.num_outputs,
            "dropout": self.dropout,
            "max_norm": self.max_norm,
            "seed": self.seed,
        }
