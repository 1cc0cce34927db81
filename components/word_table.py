"""The vectors of a vocabulary's words, of which a softmax may be made too."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("textmill")
class WordTable(keras.layers.Layer):
    """One vector a word; in training some words of the vocabulary are 0, wherever they stand.

    Call: ids (B, T) int -> vectors (B, T, D), and the table (V, D) in float32, of which nothing is
        dropped.
    Args: vocabulary_size, V; width, D; dropout, rate of the words that a call does without; seed.
    Sources: Merity et al. 2017, https://arxiv.org/abs/1708.02182, section 4.3, after Gal and
        Ghahramani 2016, https://arxiv.org/abs/1512.05287; uniform on [-0.1, 0.1] is the start in
        the code of the first, https://github.com/salesforce/awd-lstm-lm.
    """

    def __init__(self, vocabulary_size, width=400, dropout=0.0, seed=0, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.vocabulary_size, self.width, self.dropout = vocabulary_size, width, dropout
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def build(self, ids_shape):
        self.table = self.add_weight(
            (self.vocabulary_size, self.width),
            keras.initializers.RandomUniform(-0.1, 0.1, self.seed),
            name="table",
            # Else the gradients of a word's places would be summed in 16 bits.
            autocast=False,
        )

    def call(self, ids, training=None):
        table = ops.convert_to_tensor(self.table)
        vectors = ops.take(table, ids, axis=0)
        if training and self.dropout:
            words = ops.ones((self.vocabulary_size, 1))
            kept = keras.random.dropout(words, self.dropout, seed=self.generator)
            vectors = vectors * ops.take(kept, ids, axis=0)
        return ops.cast(vectors, self.compute_dtype), table

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "width": self.width,
            "dropout": self.dropout,
            "seed": self.seed,
        }
