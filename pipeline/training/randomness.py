"""Random masks as a pure function of (seed, layer, step, part of the batch).

Keras's seed generators count their own calls. Its checkpoints lose the count, and the count is the
same on every replica, which would then all drop the same units. Bound to the training step instead,
there is nothing to save, and every part of a batch draws its own numbers wherever it is computed.
"""

from collections import Counter
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf


class StepSeeds:
    """Gives the random layers of a model their seeds.

    Args:
        model: every `keras.random.SeedGenerator` in it is bound to this object.
        seed: the recipe's.
    """

    def __init__(self, model: keras.Model, seed: int) -> None:
        self.seed = seed
        for site, generator in enumerate(seed_generators(model)):
            generator.next = self._drawer(site)

    def at(self, moment: tf.Tensor) -> None:
        """Set the moment, a scalar int32 that numbers the parts of all batches of the run.

        Called while a step is traced, at the top of each part: a layer's first call in a part gets
        the same seed in every trace, its second another.
        """
        self.moment = moment
        self.calls: Counter[int] = Counter()

    def _drawer(self, site: int) -> Callable[..., tf.Tensor]:
        def draw(ordered: bool = True) -> tf.Tensor:
            entropy = (self.seed, site, self.calls[site])
            self.calls[site] += 1
            word = np.random.SeedSequence(entropy).generate_state(1)[0]
            return tf.stack([tf.constant(word, tf.uint32), tf.cast(self.moment, tf.uint32)])

        return draw


def seed_generators(model: keras.Model) -> list[keras.random.SeedGenerator]:
    """Every seed generator of the model's layers, in the order of the layers."""
    found: dict[int, keras.random.SeedGenerator] = {}
    for layer in model._flatten_layers():
        for generator in layer._seed_generators:
            found.setdefault(id(generator), generator)
    return list(found.values())
