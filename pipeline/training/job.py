"""One training job: what it needs in memory, its steps, validations and checkpoints, its result."""

import dataclasses
import logging
import time
from collections.abc import Callable

import numpy as np
from safetensors.numpy import save_file

from configs import loading
from pipeline import artifacts, build, pretrained_elmo, runs, tasks
from pipeline.errors import Interrupted
from pipeline.progress import Bar, progress
from pipeline.training import (
    beginning,
    checkpoints,
    curves,
    distribute,
    examples,
    gradients,
    not_finite,
)
from pipeline.training.averaging import due
from pipeline.training.state import State
from pipeline.training.step import Step
from pipeline.training.unfreezing import unfreeze
from pipeline.training.validation import validator

log = logging.getLogger("textmill")


class Job:
    """A training job in this process: the data, the compiled step and the state."""

    def __init__(self, recipe, prepared, run_dir, strategy, run) -> None:
        self.recipe, self.settings = recipe, recipe.train
        self.prepared, self.run_dir, self.tracking = prepared, run_dir, run
        self.chief = distribute.is_chief()
        self.score = tasks.deciding_score(recipe.task, self.settings.metric)
        labels = artifacts.read_json(prepared / "labels.json")
        splits = examples.load(recipe, prepared, labels)
        self.split, self.valid = splits["train"], splits.get("valid")
        self.batches = examples.batches(recipe, self.split, strategy.num_replicas_in_sync)
        planned = sum(self.batches.steps)
        self.total_steps = min(planned, self.settings.max_steps or planned)
        self.checkpoints = checkpoints.Checkpoints(run_dir / "checkpoints", self.settings.keep)
        earlier = bool(recipe.init_from) and self.checkpoints.newest() is None
        begun = beginning.begin(recipe, prepared, labels, self.split.ids.values, strategy, earlier)
        beginning.tell(begun, run_dir, run)
        self.model, self.elmo = begun.model, begun.elmo
        with strategy.scope():
            self.groups = build.layer_groups(self.model)
            self.optimizer = build.build_optimizer(self.settings, self.total_steps, self.groups)
        self.loss = tasks.loss_function(recipe.task)
        signature = self.batches.signature
        self.step = Step(
            self.model, self.optimizer, self.loss, strategy, self.settings, recipe.seed, signature
        )
        if self.valid is not None:
            self.validate = validator(recipe, labels, self.model, strategy, self.valid)
        if self.settings.log_gradients and self.chief:
            batch = gradients.longest(self.batches.epoch(0, 0))
            self.gradients = gradients.Gradients(self.model, self.loss, batch)
        self.state = State()

    def run(self, asked_to_stop: Callable[[], bool]) -> None:
        newest = self.checkpoints.newest()
        if newest is not None:
            self.state = State(**self.checkpoints.restore(newest, self.step.variables()))
            log.info("train: going on from step %d of %d", newest, self.total_steps)
        with progress("train", self.total_steps, self.state.step) as bar:
            while not self.state.done:
                self._epoch(bar, asked_to_stop)

    def _epoch(self, bar: Bar, asked_to_stop: Callable[[], bool]) -> None:
        """Go through what is left of an epoch's batches."""
        state, settings = self.state, self.settings
        if state.position == 0:
            self.step.forget()
        if settings.gradual_unfreezing:
            unfreeze(self.step, self.groups, state.epoch, begins=state.position == 0)
        pending: list[tuple[int, np.ndarray, dict]] = []
        since, real, padded = time.monotonic(), 0, 0
        for rows, tokens, batch in self.batches.epoch(state.epoch, state.position):
            answer = self.step(batch, state.step, asked_to_stop())
            pending.append((state.step, rows, answer))
            state.step, state.position = state.step + 1, state.position + 1
            real += tokens
            padded += int(batch["ids"].shape[0]) * int(batch["ids"].shape[1])
            epoch_ends = state.position == self.batches.steps[state.epoch]
            last = state.step == self.total_steps
            validates = epoch_ends or last or self._due(settings.validate_every)
            saves = validates or self._due(settings.save_every)
            if not (saves or self._due(settings.log_every)):
                continue
            # Only here does the host wait for the devices.
            stop = self._collect(pending, bar)
            now = time.monotonic()
            state.seconds += now - since
            figures = {"tokens_per_second": real / (now - since), "padding": 1 - real / padded}
            points = curves.of_step(answer, self.optimizer, figures)
            self.tracking.metrics(state.step, points)
            if validates:
                self._validate()
                self._log_gradients()
            if epoch_ends or last:
                self._end_epoch()
            if saves or stop:
                self._save()
            if stop and not state.done:
                raise Interrupted(f"stopped at step {state.step}; the same command goes on from it")
            if state.done:
                return
            since, real, padded = time.monotonic(), 0, 0

    def _due(self, every: int | None) -> bool:
        return every is not None and self.state.step % every == 0

    def _collect(self, pending: list[tuple[int, np.ndarray, dict]], bar: Bar) -> bool:
        """Wait for the steps since the last time; say whether any worker was asked to stop."""
        stop = False
        for step, rows, answer in pending:
            figures = {name: float(value) for name, value in answer.items()}
            not_finite.check(step, rows, figures, self.split, self.run_dir)
            self.state.loss += figures["loss"]
            self.state.weight += figures["weight"]
            stop = stop or figures["stop"] > 0
        bar.advance(len(pending), loss=self.state.mean_loss)
        pending.clear()
        return stop

    def _validate(self) -> None:
        """Score the validation split; without one, the training loss since the last one decides."""
        state = self.state
        scores = {"train_loss": state.mean_loss}
        state.loss, state.weight = 0.0, 0.0
        name, deciding = "loss", "train_loss"
        if self.valid is not None:
            with self.step.average.shown():
                valid = self.validate()
            scores |= {f"valid_{name}": value for name, value in valid.items()}
            name, deciding = self.score, f"valid_{self.score}"
        value = scores[deciding]
        if tasks.better(name, value, state.best):
            state.best, state.best_step, state.worse = value, state.step, 0
        else:
            state.worse += 1
        epoch = state.epoch + state.position / self.batches.steps[state.epoch]
        state.history.append({"step": state.step, "epoch": epoch, **scores})
        self.tracking.metrics(state.step, {f"valid/{k}": v for k, v in scores.items()})
        facts = ", ".join(f"{k} {v:.4f}" for k, v in scores.items())
        log.info("train: epoch %.2f, step %d: %s", epoch, state.step, facts)
        averaging, stopping = self.settings.averaging, self.settings.early_stopping
        decided = [row[deciding] for row in state.history]
        if averaging and not self.step.average.begun and due(name, decided, averaging.patience):
            self.step.average.begin()
            log.info("train: from step %d on the weights' mean is what counts", state.step)
        state.done = stopping is not None and state.worse >= stopping.patience

    def _log_gradients(self) -> None:
        """How far back the recurrent layers' errors reach, if that was asked for."""
        if not (self.settings.log_gradients and self.chief and self.gradients.layers):
            return
        folder = self.run_dir / "gradients"
        for file in gradients.save(self.gradients(), self.state.step, folder):
            self.tracking.artifact(file, "gradients")

    def _end_epoch(self) -> None:
        state = self.state
        state.epoch, state.position = state.epoch + 1, 0
        state.done = state.done or state.step == self.total_steps

    def _save(self) -> None:
        if self.chief:
            state = dataclasses.asdict(self.state)
            self.checkpoints.save(
                self.state.step, self.step.variables(), state, self.state.best_step
            )

    def publish(self, mark: str) -> None:
        """Write the weights of the best validation as the result of the run."""
        best = self.state.best_step
        self.checkpoints.restore(best, self.step.variables())
        facts = {
            "prepared": str(self.prepared),
            "mlflow_run_id": self.tracking.id,
            "best_step": best,
            "parameters": int(sum(np.prod(v.shape) for v in self.model.weights)),
            "seconds": self.state.seconds,
        }
        if self.recipe.init_from:
            facts["initial_weights"] = artifacts.read_json(self.run_dir / beginning.STARTED)
        with (
            artifacts.publish(self.run_dir / runs.TRAINING, mark, facts) as folder,
            self.step.average.shown(),
        ):
            weights = checkpoints.arrays(checkpoints.by_path(self.model.weights))
            save_file(pretrained_elmo.weights(self.elmo) | weights, folder / runs.WEIGHTS)
            artifacts.write_json(folder / "history.json", self.state.history)
            pretrained_elmo.save(self.elmo, folder)
            (folder / "recipe.yaml").write_text(loading.dump(self.recipe), encoding="utf-8")
        self.tracking.metrics(
            self.state.step,
            {"training_seconds": self.state.seconds, "parameters": facts["parameters"]},
        )
