"""Dropout for sequences, and the plain one."""

import keras
from keras import ops


def dropped(x, rate, generator):
    """x with each number 0 with probability `rate`, else scaled up; x itself if `rate` is 0.

    The seed comes from `generator`. TensorFlow's own dropout draws twice as many bits, and in
    bfloat16 its rate of 0.1 is one of 0.1016.
    Source: Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html.
    """
    if not rate:
        return x
    if keras.backend.backend() == "tensorflow":
        from components import fast_dropout

        return fast_dropout.dropped(x, rate, generator.next())
    return keras.random.dropout(x, rate, seed=generator)


@keras.saving.register_keras_serializable("textmill")
class LockedDropout(keras.layers.Layer):
    """Dropout with one mask for all time steps of a text ("variational" dropout).

    Call: (B, T, D) -> (B, T, D), in training each of a text's D features 0 throughout or scaled up.
    Args: rate, the share of features dropped; seed.
    Source: Gal and Ghahramani 2016, https://arxiv.org/abs/1512.05287, section 4.
    """

    def __init__(self, rate, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.rate, self.seed = rate, seed
        self.generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, x, training=None):
        if not training or not self.rate:
            return x
        ones = ops.ones_like(x[:, :1])
        return x * keras.random.dropout(ones, self.rate, seed=self.generator)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
