"""Words from their characters, which are the bytes of their UTF-8.

Character ids are ELMo's: 0 stands for no word at all, 1 to 256 for the bytes 0 to 255, 257 and 258
for the words that begin and end a sentence, 259 and 260 for the beginning and the end of a word,
261 fills a word up to `LONGEST`.
Source: https://github.com/allenai/bilm-tf, `UnicodeCharsVocabulary`, plus 1 for the 0.
"""

import keras
from keras import ops

from components.highway import Highway

NUM_CHARACTERS = 262
LONGEST = 50  # ids a word, with its beginning and end
SENTENCE_START = (259, 257, 260, *[261] * 47)
SENTENCE_END = (259, 258, 260, *[261] * 47)


@keras.saving.register_keras_serializable("textmill")
class CharacterCNN(keras.layers.Layer):
    """The strongest answer of each filter to the characters of a word.

    What fills a word up is a character like any other, and has a vector that is learned: so it is
    in ELMo, and a filter can see where a short word ends. Filters see no further than `LONGEST`.

    Call: (..., LONGEST) int character ids -> (..., D); a word that is all 0 has the vector 0.
    Args: filters, pairs of a width in characters and a number of filters; width, of a character's
        vector; num_highway, layers after the filters; projection, D, or None for one number a
        filter; activation, `relu` or `tanh`; distinct, whether to compute each distinct word of a
        batch once, and no more of the filling than the filters can tell, which needs TensorFlow
        without XLA and is much faster on a CPU; seed, of the first weights.
    Sources: Kim et al. 2016, https://arxiv.org/abs/1508.06615, sections 2.2 and 2.3; Peters et al.
        2018, https://arxiv.org/abs/1802.05365, section 3.4; with one width of 3 and 30 filters: Ma
        and Hovy 2016, https://arxiv.org/abs/1603.01354, section 2.1.
    """

    def __init__(
        self,
        filters=((3, 30),),
        width=30,
        num_highway=0,
        projection=None,
        activation="relu",
        distinct=False,
        seed=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if activation not in ("relu", "tanh"):
            raise ValueError(f"activation must be `relu` or `tanh`. Received: {activation!r}")
        self.filters, self.width = tuple(map(tuple, filters)), width
        self.num_highway, self.projection = num_highway, projection
        self.activation, self.distinct, self.seed = activation, distinct, seed
        self.highways = [
            Highway(seed=seed + 100 + 2 * i, dtype=self.dtype_policy, name=f"highway_{i}")
            for i in range(num_highway)
        ]
        self.project = None
        if projection is not None:
            self.project = keras.layers.Dense(
                projection,
                kernel_initializer=keras.initializers.LecunNormal(seed + 200),
                dtype=self.dtype_policy,
                name="project",
            )

    def build(self, input_shape):
        self.vectors = self.add_weight(
            (NUM_CHARACTERS, self.width),
            keras.initializers.RandomUniform(-1.0, 1.0, self.seed),
            name="vectors",
        )
        self.kernels = [
            self.add_weight(
                (width, self.width, number),
                keras.initializers.LecunNormal(self.seed + 1 + i),
                name=f"kernel_{i}",
            )
            for i, (width, number) in enumerate(self.filters)
        ]
        self.biases = [
            self.add_weight((number,), "zeros", name=f"bias_{i}")
            for i, (_, number) in enumerate(self.filters)
        ]
        features = (None, sum(number for _, number in self.filters))
        for layer in [*self.highways, *([self.project] if self.project else [])]:
            layer.build(features)

    def call(self, ids):
        if self.distinct:
            from components.distinct_words import distinct_words

            words, places = distinct_words(ids, max(width for width, _ in self.filters))
            return ops.take(self.encode(words), places, axis=0)
        words = ops.reshape(ids, (-1, ids.shape[-1]))
        return ops.reshape(self.encode(words), (*ops.shape(ids)[:-1], self.output_width))

    @property
    def output_width(self):
        return self.projection or sum(number for _, number in self.filters)

    def encode(self, words):
        """(N, characters) ids -> (N, D)."""
        characters = ops.take(ops.cast(self.vectors, self.compute_dtype), words, axis=0)
        x = ops.concatenate(
            [
                ops.max(ops.conv(characters, ops.cast(kernel, self.compute_dtype)), axis=1) + bias
                for kernel, bias in zip(self.kernels, self.biases, strict=True)
            ],
            axis=-1,
        )
        # Both activations rise, so they can wait for the maximum.
        x = ops.relu(x) if self.activation == "relu" else ops.tanh(x)
        for highway in self.highways:
            x = highway(x)
        if self.project is not None:
            x = self.project(x)
        # Every character of a word is above 0.
        return x * ops.cast(words[:, :1] > 0, x.dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.output_width)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "width": self.width,
            "num_highway": self.num_highway,
            "projection": self.projection,
            "activation": self.activation,
            "distinct": self.distinct,
            "seed": self.seed,
        }
