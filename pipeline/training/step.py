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
from pipeline.training.averaging import Average
from pipeline.training.checkpoints import by_path
from pipeline.training.randomness import StepSeeds

# Of dynamic loss scaling: Micikevicius et al. 2018, https://arxiv.org/abs/1710.03740, section 3.2.
FIRST_SCALE, STEPS_TO_DOUBLE = 2.0**15, 2000

KEPT = 0.9  # of the baseline at each step: Xu et al. 2015, section 4.1


class Step:
    """Call: a global batch, the step's number and whether to stop -> a dict of scalars.

    The batch comes whole to every replica, which takes its rows of it; its number of rows is a
    multiple of `parts`. The answer holds "loss" and "weight", the sums over the batch, "norm", of
    the gradient before clipping, and "stop", above 0 when any worker was asked to stop; with
    `settings.log_gradients` also "norm/PATH" of each variable that trains.

    What a model calls "state_N" among its outputs goes into it again under that name with the next
    batch, row by row.

    Args: loss, (outputs, batch) -> (B,) losses; signature, of the batches.
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
            self.baseline = tf.Variable(0.0, name="baseline")
        self.carried = {
            name: tf.Variable(tf.zeros([settings.batch_size or 0, output.shape[-1]], output.dtype))
            for name, output in model.output.items()
            if name.startswith("state_")
        }
        self.average = Average(optimizer._trainable_variables, settings, strategy)
        state = {name: tf.TensorSpec(v.shape, v.dtype) for name, v in self.carried.items()}
        scalars = [tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.float32)]
        self.signature = [{**signature, **state}, *scalars]
        self.trained: list[keras.Variable] = []
        self.train(optimizer._trainable_variables)

    def train(self, variables: list[keras.Variable]) -> None:
        """Train these variables from here on; others than before make the next step a new trace.

        Layers beneath all of them cost no way back.
        """
        if [v.path for v in variables] == [v.path for v in self.trained]:
            return
        self.trained = variables
        self.gradients: Callable = self._gradients
        # A function of its own may not sum over replicas, as batch normalization does.
        if self.settings.xla or self.strategy.num_replicas_in_sync == 1:
            self.gradients = tf.function(self._gradients, jit_compile=self.settings.xla or None)
        self.compiled = tf.function(self._step, input_signature=self.signature)

    def variables(self) -> dict[str, Any]:
        """All that a checkpoint must hold, by name."""
        found = by_path([*self.model.weights, *self.optimizer.variables])
        scalars = {"loss_scale": self.scale, "good_steps": self.good_steps}
        found |= scalars | {"baseline": self.baseline} | self.carried
        return found | self.average.checkpointed()

    def forget(self) -> None:
        """Start the carried state anew."""
        for state in self.carried.values():
            state.assign(tf.zeros_like(state))

    def __call__(self, batch: dict, step: int, stop: bool) -> dict[str, tf.Tensor]:
        if self.settings.vary_window:
            # Merity et al. 2017, https://arxiv.org/abs/1708.02182, section 5: else short windows,
            # whose words are fewer, would count for more.
            share = batch["targets"].shape[1] / self.settings.window
            self.optimizer.rate_scale.assign(share)
        batch = {**batch, **{name: state.read_value() for name, state in self.carried.items()}}
        answer, carried = self.compiled(batch, tf.constant(step), tf.constant(float(stop)))
        for name, state in self.carried.items():
            state.assign(carried[name])
        return answer

    def _step(self, batch: dict, step: tf.Tensor, stop: tf.Tensor) -> tuple[dict, dict]:
        sums, carried, gradients = self.strategy.run(self._summed, args=(batch, step, stop))
        answer = tf.nest.map_structure(
            lambda x: self.strategy.experimental_local_results(x)[0], sums
        )
        carried = {name: self.strategy.gather(state, axis=0) for name, state in carried.items()}
        if self.scaled:
            finite = tf.math.is_finite(answer["norm"])
            tf.cond(finite, lambda: self._update(gradients), lambda: 0)
            self._rescale(finite)
        else:
            self._update(gradients)
        answer["weight"] = tf.reduce_sum(batch["weight"])
        mean = answer["loss"] / tf.maximum(answer["weight"], 1e-12)
        self.baseline.assign(KEPT * self.baseline + (1 - KEPT) * mean)
        return answer | {"scale": self.scale.read_value()}, carried

    def _summed(
        self, batch: dict, step: tf.Tensor, stop: tf.Tensor
    ) -> tuple[dict, dict, list[tf.Tensor]]:
        """On a replica: the sums over all parts of all replicas of loss and gradients."""
        total = tf.maximum(tf.reduce_sum(batch["weight"]), 1e-12)
        rows = tf.shape(batch["weight"])[0] // self.parts
        loss, gradients, states = tf.zeros([]), None, []
        for number in range(self.settings.accumulation):
            part = replica_id() * self.settings.accumulation + number
            own = {name: x[part * rows : (part + 1) * rows] for name, x in batch.items()}
            moment = step * self.parts + part
            scale = self.scale.read_value()
            part_loss, state, part_gradients = self.gradients(own, total, scale, moment)
            loss += part_loss
            states.append(state)
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
        sums = {"loss": loss, "norm": norm, "stop": stop}
        if self.settings.log_gradients:
            named = zip(self.trained, gradients, strict=True)
            sums |= {f"norm/{v.path}": tf.norm(g) for v, g in named}
        carried = {name: tf.concat([s[name] for s in states], axis=0) for name in self.carried}
        return sums, carried, gradients

    def _gradients(self, own: dict, total: tf.Tensor, scale: tf.Tensor, moment: tf.Tensor) -> tuple:
        """Of some rows: the summed loss, the state that goes on, and the gradient of their share of
        the batch's mean loss.
        """
        self.seeds.at(moment)
        variables = [v.value for v in self.trained]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            outputs = self.model({name: own[name] for name in self.model.input}, training=True)
            losses = self.loss(outputs, own)
            loss = tf.reduce_sum(losses * own["weight"])
            sought = losses + outputs.get("penalty", 0.0)
            if "log_probability" in outputs:
                # REINFORCE with the mean loss so far as its baseline, Xu et al. 2015,
                # https://arxiv.org/abs/1502.03044, equations 10 and 11.
                better = tf.stop_gradient(losses - self.baseline)
                sought += better * outputs["log_probability"]
            share = tf.reduce_sum(sought * own["weight"]) / total * scale
        # An embedding's gradient lists a repeated token once for each time it occurs. Adam must see
        # the square of the sum, not the sum of the squares: the dense form has the sum.
        gradients = [tf.convert_to_tensor(g) for g in tape.gradient(share, variables)]
        state = {name: tf.stop_gradient(outputs[name]) for name in self.carried}
        return loss, state, gradients

    def _update(self, gradients: Any) -> int:
        def on_replica(gradients: list[tf.Tensor]) -> None:
            self.optimizer.apply(gradients, self.trained)

        self.strategy.run(on_replica, args=(gradients,))
        self.average.update()
        return 0

    def _rescale(self, finite: tf.Tensor) -> None:
        """Halve the loss scale after an overflow, double it after enough steps without one."""
        good = tf.where(finite, self.good_steps + 1, 0)
        double = good >= STEPS_TO_DOUBLE
        factor = tf.where(finite, tf.where(double, 2.0, 1.0), 0.5)
        self.scale.assign(self.scale * factor)
        self.good_steps.assign(tf.where(double, 0, good))
