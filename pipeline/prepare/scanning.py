"""The first pass over a file: what is bad, which text goes where, how often each word stands."""

import logging
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from configs.recipe import Recipe
from pipeline.prepare import dead_letters
from pipeline.prepare.batches import mapped
from pipeline.prepare.checks import EMPTY_TEXT, Checked
from pipeline.prepare.counting import WordCounts
from pipeline.prepare.hashes import UNUSED, hashed
from pipeline.prepare.inputs import SPLITS, Unit
from pipeline.prepare.records import Line, checked_batches
from pipeline.prepare.sources import Bad, bad

MOST_LABELS = 100_000  # more distinct ones than this are no labels but texts or numbers
log = logging.getLogger("textmill")


class Scanned(NamedTuple):
    """What threads make of a batch; `words` and `counts` are those of its training texts."""

    batch: list[Line]
    hashes: np.ndarray
    words: Iterable[bytes]
    counts: Iterable[int]
