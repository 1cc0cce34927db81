"""The third pass: documents of token ids -> examples of a masked language model, in shards.

An example has `ids`, [CLS] first [SEP] second [SEP] or [CLS] run [SEP]; of pairs also
`second_start`, the place of the second text's first token, and `next`, 0 where it follows the first
one and 1 where not, as BERT numbers them; with static masks, which stand in the ids then, `places`
and the `targets` that were there. What is drawn for a document is a function of the recipe's seed,
the copy, and where the document stands in which file.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from configs.recipe import Recipe
from configs.tasks import MaskedLanguageModel
from pipeline.errors import JobError
from pipeline.masking import masker
from pipeline.prepare import pairing, tokenizing
from pipeline.prepare.examples import Feature, encode, integers
from pipeline.prepare.inputs import SPLITS, Unit
from pipeline.prepare.pretraining_statistics import PretrainingStatistics
from pipeline.prepare.runners import Facts
from pipeline.prepare.runners import run as on_beam
from pipeline.prepare.sharding import Share, loaded_tokenizer
from pipeline.prepare.shards import Shards
from pipeline.prepare.token_files import Document, Documents, token_type
from pipeline.progress import Lines

BATCH = 1000  # examples
TRIES = 100  # to draw another document that is no copy

Counts = dict[str, list[int]]  # by split, how many documents each unit has


class Example(NamedTuple):
    """`key`: what its masks are drawn from, if they are drawn now."""

    first: np.ndarray
    second: np.ndarray | None
    label: int
    key: int


def stages(
    recipe: Recipe, task: MaskedLanguageModel, shares: Sequence[Share], scratch: Path
) -> list[Facts]:
    """The passes after the vocabulary is known; of each unit what they tell.

    Raises:
        JobError: a split is not fit for the pairs that are asked for.
    """
    shared: dict[str, Any] = {"recipe": recipe, "task": task, "folder": str(scratch)}
    work = partial(tokenizing.tokenize, **shared)
    tokenized = on_beam(recipe.beam, work, shares, scratch / "tokenized")
    counts: Counts = {
        split: [fact["documents"][split]["documents"] for fact in tokenized] for split in SPLITS
    }
    for split, numbers in counts.items():
        single = sum(fact["documents"][split]["single"] for fact in tokenized)
        check(task, split, sum(numbers), single)
    work = partial(shard, **shared, counts=counts)
    sharded = on_beam(recipe.beam, work, [share.unit for share in shares], scratch / "sharded")
    return [one | other for one, other in zip(tokenized, sharded, strict=True)]


def check(task: MaskedLanguageModel, split: str, documents: int, single: int) -> None:
    """Args: how many documents the split has, and how many of these are of one sentence."""
    if task.pairs != "none" and documents == single > 0:
        raise JobError(
            f"no document of data.{split} has two sentences, which a pair is made of: are its"
            " records whole documents? Set task.pairs to none to do without pairs"
        )
    if task.pairs == "next" and documents == 1:
        raise JobError(
            f"data.{split} is one document, and the second text of half of its pairs has to be of"
            " another one: name more files, or set task.pairs to order or none"
        )


def shard(
    unit: Unit, recipe: Recipe, task: MaskedLanguageModel, folder: str, counts: Counts
) -> Facts:
    """Write a file's examples as shards/SPLIT-UNIT-PART.tfrecord; return what is in them."""
    places = Path(folder)
    tokenizer = loaded_tokenizer(str(places / "tokenizer"))
    join = Joiner(task, tokenizer, recipe.text.max_length)
    kind = token_type(tokenizer.vocabulary_size)
    statistics = {split: PretrainingStatistics() for split in SPLITS}
    told = Lines(f"made examples of {unit.name}")
    with Shards(places / "shards", unit.index, recipe.data.shard_examples) as shards:
        for split in SPLITS:
            documents = Documents(places / tokenizing.FOLDER, split, counts[split], kind)
            drawn = Drawing(recipe, task, documents, unit.index, split)
            for batch in batches(drawn.examples(), BATCH):
                for serialised in encode(join(batch, statistics[split])):
                    shards.write(split, serialised)
                told.advance(len(batch))
    told.close()
    facts = {split: part.facts() for split, part in statistics.items()}
    return {"shards": shards.done, "pretraining": facts}


def batches(examples: Iterator[Example], size: int) -> Iterator[list[Example]]:
    batch: list[Example] = []
    for example in examples:
        batch.append(example)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


class Drawing:
    """The examples of the documents of one unit and split, copy by copy."""

    def __init__(
        self,
        recipe: Recipe,
        task: MaskedLanguageModel,
        documents: Documents,
        unit: int,
        split: str,
    ):
        self.documents, self.unit, self.split = documents, unit, split
        self.task, self.seed = task, recipe.seed
        self.copies = task.copies if split == "train" else 1
        self.most = recipe.text.max_length - (2 if task.pairs == "none" else 3)

    def examples(self) -> Iterator[Example]:
        first, end = self.documents.starts[self.unit : self.unit + 2].tolist()
        for number in range(first, end):
            document = self.documents.whole(number)
            for copy in range(self.copies):
                place = (copy, self.unit, SPLITS.index(self.split), number - first)
                random = np.random.default_rng((self.seed, *place))
                yield from self._of(number, document, random)

    def _of(
        self, number: int, document: Document, random: np.random.Generator
    ) -> Iterator[Example]:
        cut, tokens = pairing.CUTS[self.task.pairs], document.tokens
        edges = document.edges.tolist()
        for part in cut(edges, self.most, self.task.short_share, random):
            first, second = tokens[slice(*part.first)], None
            if part.second:
                second = tokens[slice(*part.second)]
            elif part.wanted:
                second = self.documents.part(self._other(number, random), part.wanted, random)
            if second is not None:
                left = pairing.kept(len(first), len(second), self.most, random)
                first, second = first[left[0]], second[left[1]]
            yield Example(first, second, part.label, int(random.integers(2**63)))

    def _other(self, number: int, random: np.random.Generator) -> int:
        """A random document that is neither this one nor a copy of it."""
        own = self.documents.hash(number)
        for _ in range(TRIES):
            other = int(random.integers(len(self.documents)))
            if self.documents.hash(other) != own:
                return other
        raise JobError(
            f"{TRIES} documents of {self.split}, drawn at random, were all copies of one: set"
            " data.drop_duplicates, or task.pairs to order or none"
        )


class Joiner:
    """Examples -> the features of a batch of them."""

    def __init__(self, task: MaskedLanguageModel, tokenizer: Any, length: int):
        self.task, self.length = task, length
        self.start, self.end, self.pad = tokenizer.start_id, tokenizer.end_id, tokenizer.pad_id
        self.masker = masker(task.masking, tokenizer)

    def __call__(self, batch: list[Example], statistics: PretrainingStatistics) -> list[Feature]:
        ids = np.full((len(batch), self.length), self.pad, np.int32)
        lengths, seconds = np.zeros((2, len(batch)), np.int64)
        for row, (first, second, _, _) in enumerate(batch):
            second_start = len(first) + 2
            end = second_start if second is None else second_start + len(second) + 1
            ids[row, [0, second_start - 1, end - 1]] = self.start, self.end, self.end
            ids[row, 1 : second_start - 1] = first
            if second is not None:
                ids[row, second_start : end - 1] = second
            lengths[row], seconds[row] = end, second_start
        labels = np.array([example.label for example in batch])
        statistics.add(lengths, labels)
        features: list[Feature] = []
        if self.task.pairs != "none":
            ones = np.ones(len(batch), np.int64)
            features = [integers("second_start", seconds, ones), integers("next", labels, ones)]
        if self.task.masking.static:
            keys = np.array([example.key for example in batch], np.uint64)
            masked = self.masker(ids, keys)
            statistics.add_masks(ids, masked, self.masker)
            ids, places, targets = masked
            real = places > 0  # [CLS], at 0, is never masked
            numbers = real.sum(axis=1)
            features.append(integers("places", places[real], numbers))
            features.append(integers("targets", targets[real], numbers))
        inside = np.arange(self.length) < lengths[:, None]
        return [integers("ids", ids[inside], lengths), *features]
