"""How far back a recurrent layer's errors reach: the gradient's norm at each step of a text.

The gradient dL/dh_t that comes to a step over all paths shrinks or grows with the distance to where
the loss is, exponentially in a plain network: Pascanu et al. 2013, https://arxiv.org/abs/1211.5063,
section 2.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from pipeline import artifacts, page
from pipeline.batching import POOL, Batch


class Norms(NamedTuple):
    """`mean` (N,): of the gradient's norm at each distance; `rows` (N,): over how many texts."""

    mean: np.ndarray
    rows: np.ndarray


class Gradients:
    """The gradients of one batch by time, as the model is now, without dropout.

    Call: () -> by the path of each recurrent layer and direction that is trained its Norms. A text
        of n tokens has n steps; the last one in the direction of reading is at distance 0, the
        first at n - 1. At each, the norm of dL/dh_t is of the text's own loss L, so that it depends
        on no other text; the mean is over the texts that have a step at that distance. A language
        model's text is the window that a row shows.
    Args: model; loss, (outputs, batch) -> (B,) losses; batch, its rows of weight 0 do not count.
    """

    def __init__(self, model: keras.Model, loss: Callable, batch: dict) -> None:
        self.model, self.loss, self.batch = model, loss, batch
        # Errors do not pass from chunk to chunk where a text is read in such.
        in_chunks = {
            part.path
            for layer in model.layers
            if getattr(layer, "window", None)
            for part in layer._flatten_layers()
        }
        # What can be perturbed is a `components.recurrent.Recurrent`.
        self.layers = {
            layer.path: layer
            for layer in model._flatten_layers()
            if hasattr(layer, "perturb")
            and layer.trainable_variables
            and layer.path not in in_chunks
        }
        rows = tf.shape(batch["weight"])[0]
        self.inputs = {
            # A state that is carried starts at 0.
            name: batch[name] if name in batch else tf.zeros([rows, tensor.shape[-1]])
            for name, tensor in model.input.items()
        }
        self.compiled = tf.function(self._measured)

    def __call__(self) -> dict[str, Norms]:
        return {
            path: by_distance(calls, self.layers[path].backward)
            for path, calls in self.compiled().items()
        }

    def _measured(self) -> dict[str, list[tuple[tf.Tensor, tf.Tensor]]]:
        """For each call of each layer the norms (B, T) and where tokens are (B, T)."""
        counts = self.batch["weight"] > 0
        zeros: dict[str, list[tf.Tensor]] = {path: [] for path in self.layers}
        real: dict[str, list[tf.Tensor]] = {path: [] for path in self.layers}

        def perturb(path: str) -> Callable:
            def perturbation(x: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
                places = tf.ones(tf.shape(x)[:2], tf.bool) if mask is None else mask
                zero = tf.zeros([*tf.unstack(tf.shape(x)[:2]), self.layers[path].state_widths[0]])
                tape.watch(zero)
                zeros[path].append(zero)
                real[path].append(tf.logical_and(places, counts[:, None]))
                return zero

            return perturbation

        for path, layer in self.layers.items():
            layer.perturb = perturb(path)
        try:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                losses = self.loss(self.model(self.inputs, training=False), self.batch)
        finally:
            for layer in self.layers.values():
                layer.perturb = None
        found = tape.gradient(losses, zeros, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        norms = tf.nest.map_structure(lambda gradient: tf.norm(gradient, axis=-1), found)
        return {path: list(zip(norms[path], real[path], strict=True)) for path in zeros}


def by_distance(calls: list[tuple[Any, Any]], backward: bool) -> Norms:
    """The means of norms (B, T) where `real` (B, T), over all calls of a layer."""
    distances, values = [], []
    for norms, real in calls:
        norms, real = np.asarray(norms), np.asarray(real)
        place = np.broadcast_to(np.arange(real.shape[1]), real.shape)
        distance = place if backward else real.sum(axis=1, keepdims=True) - 1 - place
        distances.append(distance[real])
        values.append(norms[real])
    distance, value = np.concatenate(distances), np.concatenate(values)
    rows = np.bincount(distance)
    return Norms(np.bincount(distance, value) / rows, rows)


def longest(batches: Iterable[Batch]) -> dict:
    """Of the first batches one of many and long texts: these tell the most about distance."""

    def weigh(batch: Batch) -> int:
        return batch.tokens * batch.tensors["ids"].shape[1]

    return max(islice(batches, POOL), key=weigh).tensors


def save(found: dict[str, Norms], step: int, folder: Path) -> list[Path]:
    """Write the figures of a step and a picture of them; returns both files."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        path: {"norm_by_distance": norms.mean.tolist(), "texts": norms.rows.tolist()}
        for path, norms in found.items()
    }
    files = [folder / f"step-{step:07d}.{ending}" for ending in ("json", "svg")]
    artifacts.write_json(files[0], figures)
    files[1].write_text(page.svg(picture(found)), encoding="utf-8")
    return files


def picture(found: dict[str, Norms]) -> Any:
    """Norm against distance, a line for each layer and direction."""
    figure, axes = page.figure()
    for number, (path, norms) in enumerate(sorted(found.items())):
        style = ("-", "--", ":")[number // len(page.COLOURS) % 3]
        axes.plot(norms.mean, style, label=path)
    axes.set(xlabel="steps before the last one", ylabel="norm of dL/dh, mean of texts")
    axes.set_yscale("log")
    axes.legend(frameon=False)
    return figure
