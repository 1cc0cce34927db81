"""Token ids to vectors: learned from scratch, given, given and refined, or both of the last."""

from functools import reduce

import keras
from keras import ops


@keras.saving.register_keras_serializable("textmill")
class WordEmbeddings(keras.layers.Layer):
    """One vector a token, from one table or from the sum of two.

    `random` and `nonstatic` have a table that trains, `static` one that does not; where its
    numbers come from is not the layer's affair: `set_vectors` puts ready ones in. `multichannel`
    has one table of each sort, both with the same start. Kim applies each filter to both channels
    and adds the results; as a convolution is linear, that is the filter applied to the sum of the
    channels, so the sum is what this layer returns.

    Call: (B, T) int ids -> (B, T, width).
    Args: vocabulary_size; width; kind, `random`, `static`, `nonstatic` or `multichannel`; seed.
    Source: Kim 2014, https://arxiv.org/abs/1408.5882, section 3.3; uniform on [-0.25, 0.25] is
        the start in the code of that paper, https://github.com/yoonkim/CNN_sentence.
    """

    def __init__(self, vocabulary_size, width=300, kind="random", seed=0, **kwargs):
        super().__init__(**kwargs)
        trains = {"random": [True], "static": [False], "nonstatic": [True]}
        trains["multichannel"] = [False, True]
        if kind not in trains:
            raise ValueError(f"kind must be one of {sorted(trains)}. Received: {kind!r}")
        self.vocabulary_size, self.width, self.kind, self.seed = vocabulary_size, width, kind, seed
        self.channels = [
            keras.layers.Embedding(
                vocabulary_size,
                width,
                # One seed for both channels: Kim starts them from the same vectors.
                embeddings_initializer=keras.initializers.RandomUniform(-0.25, 0.25, seed),
                trainable=trainable,
                dtype=self.dtype_policy,
                name="trained" if trainable else "fixed",
            )
            for trainable in trains[kind]
        ]

    def build(self, input_shape):
        for channel in self.channels:
            channel.build(input_shape)
        self.built = True

    def set_vectors(self, vectors):
        """Start every channel from the rows of `vectors`, (vocabulary_size, width)."""
        for channel in self.channels:
            channel.embeddings.assign(vectors)

    def call(self, ids):
        return reduce(ops.add, [channel(ids) for channel in self.channels])

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "width": self.width,
            "kind": self.kind,
            "seed": self.seed,
        }
