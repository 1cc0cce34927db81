"""An average of the weights over steps, which is validated and published in their place."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from configs.training import Train
from pipeline import tasks


class Average:
    """Of each variable, if the recipe asks for an average; else it does nothing.

    With `train.ema` it is exponential and begins with the weights after the first step. With
    `train.averaging` it is the mean of the weights at `begin` and after each step since then.
    """

    def __init__(
        self, variables: list[keras.Variable], settings: Train, strategy: tf.distribute.Strategy
    ) -> None:
        self.ema, self.strategy = settings.ema, strategy
        wanted = settings.ema is not None or settings.averaging is not None
        self.variables = variables if wanted else []
        with strategy.scope():
            # How many times weights went into the average.
            self.number = tf.Variable(0, trainable=False, name="averaged")
            self.averages = [
                tf.Variable(tf.zeros(v.shape, v.dtype), trainable=False) for v in self.variables
            ]

    def checkpointed(self) -> dict[str, Any]:
        """What a checkpoint must hold, by name."""
        named = zip(self.variables, self.averages, strict=True)
        return {"averaged": self.number, **{f"average/{v.path}": own for v, own in named}}

    @property
    def begun(self) -> bool:
        return self.number.numpy() > 0

    def begin(self) -> None:
        """Begin the mean with the weights as they are."""
        for variable, average in zip(self.variables, self.averages, strict=True):
            average.assign(variable.numpy())
        self.number.assign(1)

    def update(self) -> None:
        """Take in the weights after a step; part of the compiled step, over all replicas."""
        if not self.variables:
            return
        number = self.number.read_value()
        if self.ema is not None:
            self._take_in(tf.where(number > 0, 1 - self.ema, 1.0))
        else:
            share = 1 / (tf.cast(number, tf.float32) + 1)
            tf.cond(number > 0, lambda: self._take_in(share), lambda: 0)

    def _take_in(self, share: tf.Tensor) -> int:
        def on_device(average: Any, value: Any) -> None:
            average.assign_add(tf.cast(share, average.dtype) * (value - average))

        for variable, average in zip(self.variables, self.averages, strict=True):
            self.strategy.extended.update(average, on_device, args=(variable.value,))
        self.number.assign_add(1)
        return 0

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Within this the variables hold their averages, if there are any yet."""
        if not self.begun:
            yield
            return
        current = [variable.numpy() for variable in self.variables]
        for variable, average in zip(self.variables, self.averages, strict=True):
            variable.assign(average.numpy())
        try:
            yield
        finally:
            for variable, value in zip(self.variables, current, strict=True):
                variable.assign(value)


def due(name: str, scores: list[float], patience: int) -> bool:
    """Whether the last score is worse than the best of those more than `patience` before it.

    Merity et al. 2017, https://arxiv.org/abs/1708.02182, algorithm 1; with `sgd` this is NT-ASGD.
    """
    *before, new = scores
    return any(tasks.better(name, early, new) for early in before[:-patience])
