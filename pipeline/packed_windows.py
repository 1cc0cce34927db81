"""Documents -> windows of running text for a language model that carries no state."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from configs.tasks import LanguageModel
from configs.training import Train
from pipeline.batching import Batch, plan, prefetched, round_up
from pipeline.data import Split
from pipeline.streams import Stream, signature, stream, window


@dataclass(frozen=True)
class PackedWindows:
    """The batches of a gpt in training, as `pipeline.streams.Streams` of recurrent models.

    An epoch's documents are shuffled, or left in their order where one text runs on over them, and
    laid end to end; the whole is cut into windows of `context` tokens, all full but the last, and
    these are shuffled. Where documents are texts of their own, a window that holds several says
    where each begins, and a part of a document knows nothing of what stood in the window before.

    Args: parts, the number of rows is filled up to a multiple of it; fixed, whether each batch is
        filled up to the same number of rows, for compilers that want one shape.
    """

    split: Split
    settings: Train
    seed: int
    task: LanguageModel
    context: int
    parts: int = 1
    fixed: bool = False

    @property
    def rows(self) -> int:
        """Windows in a full batch."""
        return self.settings.batch_size or max(1, (self.settings.batch_tokens or 0) // self.context)

    @cached_property
    def plans(self) -> list[list[np.ndarray]]:
        """The numbers of the windows in each batch of each epoch."""
        whole = stream(self.split, range(len(self.split)), self.task, False)
        lengths = np.full(-(-len(whole) // self.context), self.context)
        epochs = range(self.settings.epochs)
        return [plan(lengths, self.settings, self.seed, epoch) for epoch in epochs]

    @property
    def steps(self) -> list[int]:
        return [len(plan) for plan in self.plans]

    @property
    def signature(self) -> dict:
        return signature(self.split, False)

    def epoch(self, epoch: int, position: int) -> Iterator[Batch]:
        """The batches of an epoch from the one at `position` on."""
        documents = list(range(len(self.split)))
        if self.task.carry == "document":
            random = np.random.default_rng((self.seed, epoch, 1))
            documents = random.permutation(documents).tolist()
        whole = stream(self.split, documents, self.task, False)
        batches = self.plans[epoch][position:]
        shown = [[part(whole, n * self.context, self.context) for n in some] for some in batches]
        made = (self.batch(rows) for rows in shown)
        for rows, tensors in zip(shown, prefetched(made, self.signature), strict=True):
            sources = np.concatenate([row.sources for row in rows])
            read = np.unique(np.searchsorted(self.split.ids.offsets, sources, "right") - 1)
            yield Batch(read, sum(map(len, rows)), tensors)

    def batch(self, rows: list[Stream]) -> dict:
        tensors = window(self.split, rows, 0, self.context)
        tensors["weight"] = np.array([len(row) for row in rows], np.float32)
        number = round_up(self.rows if self.fixed else len(rows), self.parts)
        more = number - len(rows)
        return {n: np.pad(x, [(0, more)] + [(0, 0)] * (x.ndim - 1)) for n, x in tensors.items()}


def part(whole: Stream, start: int, length: int) -> Stream:
    """Some of the tokens that follow each other, fewer where the whole ends."""
    some = slice(start, start + length)
    return Stream(whole.sources[some], whole.targets[some], whole.fresh[some])
