"""One training step over all replicas, compiled.

What Keras's own step gets wrong under `tf.distribute` is done here in the order that keeps it equal
to one device: sum the gradients over parts and replicas, then clip, then update.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from configs.training import Train
from pipeline.predictions import replica_id
from pipeline.training.checkpoints import by_path
from pipeline.training.randomness import StepSeeds

# Of dynamic loss scaling: Micikevicius et al. 2018, https://arxiv.org/abs/1710.03740, section 3.2.
FIRST_SCALE, STEPS_TO_DOUBLE = 2.0**15, 2000


class Step:
    """Call: a global batch, the step's number and whether to stop -> a dict of scalars.

    The batch comes whole to every replica, which takes its rows of it; its number of rows is a
    multiple of `parts`. The answer holds "loss" and "weight", the sums over the batch, "norm", of
    the gradient before clipping, and "stop", above 0 when any worker was asked to stop.

    Args: loss, ((B, C) logits, labels) -> (B,) losses; signature, `data.signature` of the batches.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        loss: Callable,
        strategy: tf.distribute.Strategy,
        settings: Train,
        seed: int,
        signature: dict,
    ) -> None:
        self.model, self.optimizer, self.loss = model, optimizer, loss
        self.strategy, self.settings = strategy, settings
        self.seeds = StepSeeds(model, seed)
        self.parts = strategy.num_replicas_in_sync * settings.accumulation
        self.scaled = settings.precision == "mixed_float16"
        with strategy.scope():
            self.scale = tf.Variable(FIRST_SCALE if self.scaled else 1.0, name="loss_scale")
            self.good_steps = tf.Variable(0, name="good_steps")
        self.gradients = tf.function(self._gradients, jit_compile=settings.xla or None)
        scalars = [tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.float32)]
        self.compiled = tf.function(self._step, input_signature=[signature, *scalars])

    def variables(self) -> dict[str, Any]:
        """All that a checkpoint must hold, by name."""
        found = by_path([*self.model.weights, *self.optimizer.variables])
        return found | {"loss_scale": self.scale, "good_steps": self.good_steps}

    def __call__(self, batch: dict, step: int, stop: bool) -> dict[str, tf.Tensor]:
        return self.compiled(batch, tf.constant(step, tf.int32), tf.constant(float(stop)))

    def _step(self, batch: dict, step: tf.Tensor, stop: tf.Tensor) -> dict[str, tf.Tensor]:
        sums, gradients = self.strategy.run(self._summed, args=(batch, step, stop))
        answer = tf.nest.map_structure(
            lambda x: self.strategy.experimental_local_results(x)[0], sums
        )
        if self.scaled:
            finite = tf.math.is_finite(answer["norm"])
            tf.cond(finite, lambda: self._update(gradients), lambda: 0)
            self._rescale(finite)
        else:
            self._update(gradients)
        return answer | {"weight": tf.reduce_sum(batch["weight"]), "scale": self.scale.read_value()}

    def _summed(
        self, batch: dict, step: tf.Tensor, stop: tf.Tensor
    ) -> tuple[dict, list[tf.Tensor]]:
        """On a replica: the sums over all parts of all replicas of loss and gradients."""
        total = tf.maximum(tf.reduce_sum(batch["weight"]), 1e-12)
        rows = tf.shape(batch["weight"])[0] // self.parts
        loss, gradients = tf.zeros([]), None
        for number in range(self.settings.accumulation):
            part = replica_id() * self.settings.accumulation + number
            own = {name: x[part * rows : (part + 1) * rows] for name, x in batch.items()}
            moment = step * self.parts + part
            part_loss, part_gradients = self.gradients(own, total, self.scale.read_value(), moment)
            loss += part_loss
            gradients = (
                [a + b for a, b in zip(gradients, part_gradients, strict=True)]
                if gradients
                else part_gradients
            )
        context = tf.distribute.get_replica_context()
        assert gradients is not None
        # The identity puts `stop`, which came from outside, on the device of the replica.
        loss, stop, *gradients = context.all_reduce("SUM", [loss, tf.identity(stop), *gradients])
        if self.scaled:
            gradients = [g / self.scale.read_value() for g in gradients]
        norm = tf.linalg.global_norm(gradients)
        if self.settings.clip_norm:
            gradients = tf.clip_by_global_norm(gradients, self.settings.clip_norm, norm)[0]
        return {"loss": loss, "norm": norm, "stop": stop}, gradients

    def _gradients(self, own: dict, total: tf.Tensor, scale: tf.Tensor, moment: tf.Tensor) -> tuple:
        """Loss of some rows, summed, and the gradient of their share of the batch's mean loss."""
        self.seeds.at(moment)
        with tf.GradientTape() as tape:
            losses = self.loss(self.model({"ids": own["ids"]}, training=True), own["label"])
            loss = tf.reduce_sum(losses * own["weight"])
            share = loss / total * scale
        variables = [v.value for v in self.model.trainable_variables]
        # An embedding's gradient lists a repeated token once for each time it occurs. Adam must see
        # the square of the sum, not the sum of the squares: the dense form has the sum.
        gradients = [tf.convert_to_tensor(g) for g in tape.gradient(share, variables)]
        return loss, gradients

    def _update(self, gradients: Any) -> int:
        def on_replica(gradients: list[tf.Tensor]) -> None:
            self.optimizer.apply(gradients, self.model.trainable_variables)

        self.strategy.run(on_replica, args=(gradients,))
        return 0

    def _rescale(self, finite: tf.Tensor) -> None:
        """Halve the loss scale after an overflow, double it after enough steps without one."""
        good = tf.where(finite, self.good_steps + 1, 0)
        double = good >= STEPS_TO_DOUBLE
        factor = tf.where(finite, tf.where(double, 2.0, 1.0), 0.5)
        self.scale.assign(self.scale * factor)
        self.good_steps.assign(tf.where(double, 0, good))
