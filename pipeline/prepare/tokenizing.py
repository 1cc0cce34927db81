"""The second pass over a file of documents: their sentences as token ids, in files to draw from."""

import functools
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from configs.recipe import Recipe
from configs.tasks import MaskedLanguageModel
from pipeline.prepare.batches import THREADS, mapped
from pipeline.prepare.inputs import SPLITS
from pipeline.prepare.labels import Labels
from pipeline.prepare.sharding import Example, Share, choose, loaded_tokenizer
from pipeline.prepare.statistics import Counts, Statistics
from pipeline.prepare.token_files import Writer, token_type
from pipeline.progress import Lines

FOLDER = "tokens"


class Tokenized(NamedTuple):
    """D documents with S sentences: all tokens, how many each sentence has, sentences of each.

    Sentences without a token are left out; a document may come to have none.
    """

    tokens: np.ndarray
    lengths: np.ndarray
    sentences: np.ndarray
    counts: Counts


def tokenize(
    share: Share, recipe: Recipe, task: MaskedLanguageModel, folder: str
) -> dict[str, Any]:
    """Write a file's documents to tokens/UNIT-SPLIT.*; return what is in them.

    Raises:
        JobError: the file is not what the first pass saw.
    """
    unit, name, places = share.unit, f"{share.unit.index:05d}", Path(folder)
    statistics = [Statistics() for _ in SPLITS]
    shown: dict[int, dict[str, Any]] = {}
    told = Lines(f"tokenized {unit.name}")
    tokenizer = loaded_tokenizer(str(places / "tokenizer"))
    kind = token_type(tokenizer.vocabulary_size)
    with ExitStack() as stack:
        writers = [
            stack.enter_context(Writer(places / FOLDER, unit.index, split, kind))
            for split in SPLITS
        ]
        none = Labels((), ())
        chosen = choose(share, recipe, places / "plan" / name, none, shown)
        make = document_tokenizer(task.language, str(places / "tokenizer"))
        for examples, made in mapped(make, chosen, THREADS):
            splits = np.array([example.split for example in examples], np.uint8)
            write(made, splits.tolist(), writers)
            for code in np.unique(splits).tolist():
                here = np.flatnonzero(splits == code)
                statistics[code].add([made.counts.of(here)], [()] * len(here), none)
            told.advance(len(splits))
    told.close()
    return {
        "documents": {s: writer.facts() for s, writer in zip(SPLITS, writers, strict=True)},
        "statistics": {split: part.facts() for split, part in zip(SPLITS, statistics, strict=True)},
        "shown": sorted(shown.items()),
    }


def write(made: Tokenized, splits: list[int], writers: list[Writer]) -> None:
    edges = np.concatenate([[0], np.cumsum(made.lengths)])
    ends = np.cumsum(made.sentences).tolist()
    for code, begin, end in zip(splits, [0, *ends], ends, strict=False):
        if end > begin:
            tokens = made.tokens[edges[begin] : edges[end]]
            writers[code].write(tokens, made.lengths[begin:end])


@functools.lru_cache(maxsize=2)
def document_tokenizer(
    language: str, folder: str
) -> Callable[[list[Example]], tuple[list[Example], Tokenized]]:
    """Make the function from examples to themselves and their tokens; threads may share it.

    It is made once a process. Sentences are found before their letters are made small, for these
    tell where one begins; HTML is gone by then.
    """
    import tensorflow as tf

    from pipeline.prepare.features import unknown
    from pipeline.text.cleaning import clean
    from pipeline.text.sentences import sentences

    tokenizer = loaded_tokenizer(folder)
    settings = tokenizer.settings
    as_written = settings.model_copy(update={"lower": False, "whitespace": False})
    prepare = tf.function(
        lambda texts: clean(texts, as_written), [tf.TensorSpec([None], tf.string)], autograph=False
    )
    rest = tokenizer.without_html()

    def make(examples: list[Example]) -> tuple[list[Example], Tokenized]:
        texts = tf.constant([example.record.texts[0] for example in examples], tf.string)
        split = [sentences(t.decode(), language) for t in prepare(texts).numpy().tolist()]
        ids = rest.all_ids(tf.constant([s for document in split for s in document], tf.string))
        tokens, lengths = ids.flat_values.numpy(), ids.row_lengths().numpy()
        owner = np.repeat(np.arange(len(split)), [len(document) for document in split])
        in_all = np.bincount(owner, lengths, len(split)).astype(np.int64)
        full = lengths > 0
        number = np.bincount(owner[full], minlength=len(split))
        counts = Counts(in_all, in_all, unknown(tokens, in_all, tokenizer))
        return examples, Tokenized(tokens, lengths[full], number, counts)

    return make
