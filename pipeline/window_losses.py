"""How well a language model without a state predicts documents, by windows that overlap."""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from configs.tasks import LanguageModel
from pipeline.data import Split
from pipeline.packed_windows import part
from pipeline.streams import Stream, signature, stream, window

TOKENS = 4096  # read together


class WindowLosses:
    """The compiled gpt in evaluation, as `pipeline.perplexity.DocumentLosses` of recurrent models.

    A window is of at most `context` tokens, and the next one begins `stride` later; a token counts
    in the first window that it is predicted in, so with at least `context - stride` tokens before
    it, or all that there are. Each document is read by itself; where one text runs on over them,
    all are one, in the split's order.

    Call: a split -> (N,) losses of its documents, summed over their words, and (N,) words.
    Args: stride, half of the context if None.
    """

    both = False

    def __init__(
        self, model: keras.Model, task: LanguageModel, split: Split, stride: int | None = None
    ) -> None:
        self.task, self.context = task, model.get_layer("embeddings").max_length
        self.stride = min(stride or max(1, self.context // 2), self.context)
        shown = {n: spec for n, spec in signature(split, False).items() if n in model.input}
        self.names = list(shown)
        # Outside of any strategy: the first copy of the weights answers, the others look on.
        self.losses = tf.function(
            lambda x: model(x, training=False)["losses"], input_signature=[shown]
        )

    def __call__(self, split: Split) -> tuple[np.ndarray, np.ndarray]:
        losses, words = np.zeros(len(split)), np.zeros(len(split), np.int64)
        whole = stream(split, range(len(split)), self.task, False)
        for rows, first in self.batches(whole):
            shown = window(split, rows, 0, max(map(len, rows)))
            found = self.losses({name: shown[name] for name in self.names}).numpy()
            for row, start, own in zip(rows, first, found, strict=True):
                counted = row.targets[start:]
                documents = np.searchsorted(split.ids.offsets, counted, "right") - 1
                np.add.at(losses, documents, own[start : len(row)])
                np.add.at(words, documents, 1)
        return losses, words

    def batches(self, whole: Stream) -> Iterator[tuple[list[Stream], list[int]]]:
        """Windows of like lengths, and from which of its tokens on each of them counts."""
        begins = np.flatnonzero(whole.fresh) if self.task.carry == "document" else np.array([0])
        ends = np.append(begins[1:], len(whole))
        windows = [w for text in zip(begins, ends, strict=True) for w in self.windows(*text)]
        windows.sort(key=lambda found: found[1], reverse=True)
        rows = max(1, TOKENS // self.context)
        for place in range(0, len(windows), rows):
            some = windows[place : place + rows]
            yield [part(whole, start, length) for start, length, _ in some], [w[2] for w in some]

    def windows(self, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Of a text: where each begins, how long it is, and from where in it tokens count."""
        done = begin
        for start in range(begin, end, self.stride):
            stop = min(start + self.context, end)
            yield start, stop - start, done - start
            done = stop
            if stop == end:
                return
