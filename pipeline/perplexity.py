"""How well a language model predicts documents, whatever batch they are in."""

import heapq
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from configs.tasks import LanguageModel
from pipeline.data import Split
from pipeline.streams import Stream, in_directions, signature, stream, windows
from pipeline.window_losses import WindowLosses

WINDOW = 100  # words of each document at a time
ROWS = 32  # documents side by side


def document_losses(
    model: keras.Model,
    task: LanguageModel,
    split: Split,
    parts: int = 1,
    backward: bool = False,
    stride: int | None = None,
) -> "DocumentLosses | WindowLosses":
    """What reads documents as the model does: with a state, or by windows that overlap.

    Args: parts, backward, of the first; stride, of the second.
    """
    if any(name.startswith("state_") for name in model.output):
        return DocumentLosses(model, task, split, parts, backward)
    return WindowLosses(model, task, split, stride)


class DocumentLosses:
    """The compiled language model in evaluation: all words, no dropout, the full softmax.

    Call: a split -> (N,) losses of its documents, summed over their words, and (N,) words. A model
        of both directions has the mean of both losses. Where states run on over documents, all
        are one row, in the split's order; else each document is read from its beginning. `mixed`
        may make other losses (B, T) of each window and the model's outputs for it.
    Args: parts, into how many a text that runs on is cut, to be read side by side, each from its
        beginning: faster, and exact with 1 alone; backward, whether a model of one direction reads
        texts from their ends.
    """

    def __init__(
        self,
        model: keras.Model,
        task: LanguageModel,
        split: Split,
        parts: int = 1,
        backward: bool = False,
    ) -> None:
        self.task, self.parts, self.backward = task, parts, backward
        self.both = "second_targets" in model.input
        self.states = {
            name: output.shape[-1]
            for name, output in model.output.items()
            if name.startswith("state_")
        }
        shown = {
            name: spec for name, spec in signature(split, self.both).items() if name in model.input
        }
        shown |= {name: tf.TensorSpec([None, width]) for name, width in self.states.items()}
        self.names = shown.keys() - self.states.keys()
        # Outside of any strategy: the first copy of the weights answers, the others look on.
        self.forward = tf.function(lambda x: model(x, training=False), input_signature=[shown])

    def __call__(
        self, split: Split, mixed: Callable[[dict, dict], np.ndarray] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        losses, words = np.zeros(len(split)), np.zeros(len(split), np.int64)
        documents = self.rows(split)
        directions = in_directions(
            self.both,
            lambda backward: [stream(split, row, self.task, backward) for row in documents],
            self.backward,
        )
        found = self.read(split, directions, mixed or _losses)
        for place, row in enumerate(directions[""]):
            owner = np.searchsorted(split.ids.offsets, row.targets, "right") - 1
            np.add.at(losses, owner, found[place, : len(row)])
            np.add.at(words, owner, 1)
        return losses, words

    def rows(self, split: Split) -> list[list[int]]:
        """The documents of each row, so that the rows are about as long as each other."""
        if self.task.carry == "stream":
            ends = np.cumsum(split.lengths)
            cuts = np.searchsorted(ends, ends[-1] * np.arange(1, self.parts) / self.parts)
            parts = np.split(np.arange(len(split)), cuts)
            return [part.tolist() for part in parts if len(part)]
        rows: list[list[int]] = [[] for _ in range(min(ROWS, len(split)))]
        waiting = [(0, place) for place in range(len(rows))]
        for document in np.argsort(-split.lengths, kind="stable").tolist():
            length, place = heapq.heappop(waiting)
            rows[place].append(document)
            heapq.heappush(waiting, (length + int(split.lengths[document]), place))
        return rows

    def read(
        self,
        split: Split,
        directions: dict[str, list[Stream]],
        mixed: Callable[[dict, dict], np.ndarray],
    ) -> np.ndarray:
        """(rows, words) losses."""
        rows = directions[""]
        state = {name: tf.zeros([len(rows), width]) for name, width in self.states.items()}
        found = []
        for start in range(0, max(map(len, rows)), WINDOW):
            shown = windows(split, directions, start, WINDOW)
            outputs = self.forward({**{name: shown[name] for name in self.names}, **state})
            state = {name: outputs[name] for name in state}
            found.append(mixed(shown, outputs))
        return np.concatenate(found, axis=1)


def _losses(shown: dict, outputs: dict) -> np.ndarray:
    return outputs["losses"].numpy()
