"""Records that cannot be used, kept with where they stood and why."""

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from pipeline.errors import JobError
from pipeline.prepare.bad_records import NOT_UTF8, Bad
from pipeline.prepare.files import name_of, whole
from pipeline.prepare.inputs import Unit

FOLDER = "dead_letters"  # in prepared data
FIRST = 5  # bad records of a file that messages name


class Writer:
    """One file's dead letters: JSON objects {file, line, reason, record}, a line each."""

    def __init__(self, path: Path, source: str):
        self.path, self.source = path, source
        self.reasons: Counter[str] = Counter()
        self.first: list[str] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            unfinished = stack.enter_context(whole(self.path))
            self._file = stack.enter_context(open(unfinished, "w", encoding="utf-8"))
            self._opened = stack.pop_all()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._opened.close()

    def write(self, line: int, bad: Bad) -> None:
        self.reasons[bad.reason] += 1
        if len(self.first) < FIRST:
            self.first.append(f"{self.source}:{line}: {bad.told}")
        letter = {"file": self.source, "line": line, "reason": bad.reason, "record": bad.excerpt}
        if bad.detail:
            letter["detail"] = bad.detail
        self._file.write(json.dumps(letter, ensure_ascii=False) + "\n")

    def facts(self) -> dict[str, Any]:
        return {"bad": dict(self.reasons), "first_bad": self.first}


def gather(units: Sequence[Unit], written: Path, directory: Path) -> None:
    """Keep what the first pass wrote in the folder `written`, of units that have dead letters."""
    directory.mkdir(exist_ok=True)
    for unit in units:
        letters = written / f"{unit.index:05d}.jsonl"
        if letters.is_file() and letters.stat().st_size:
            shutil.move(letters, directory / f"{unit.index:05d}-{name_of(unit.path)}.jsonl")


def reasons(facts: Sequence[dict[str, Any]]) -> Counter[str]:
    """Dead letters by reason over the facts of several files."""
    total: Counter[str] = Counter()
    for fact in facts:
        total.update(fact["bad"])
    return total


def records(scans: Sequence[dict[str, Any]]) -> int:
    """How many records the first pass read, good and bad ones.

    Raises:
        JobError: none.
    """
    total = sum(fact["records"] for fact in scans)
    if not total:
        raise JobError("the input files hold no records: only a header line, or nothing at all")
    return total


def judge(facts: Sequence[dict[str, Any]], records: int, max_bad: float, folder: Path) -> None:
    """Compare the share of bad records with what the recipe allows.

    Args:
        facts: of all files, with what `Writer.facts` gives; records: how many were read in all.
        folder: the one being published.

    Raises:
        JobError: there are too many.
    """
    bad = reasons(facts)
    if bad.total() <= max_bad * records:
        return
    first = [where for fact in facts for where in fact["first_bad"]][:FIRST]
    counts = ", ".join(f"{count:,} {reason}" for reason, count in bad.most_common())
    where = folder.with_suffix(".failed") / FOLDER
    raise JobError(
        f"{bad.total():,} of {records:,} records cannot be used ({counts}), more than"
        f" data.max_bad = {max_bad:g} allows. The first are\n  "
        + "\n  ".join(first)
        + f"\nand all are in {where}. Correct the files,"
        + " or say in data.encoding how they are written," * (NOT_UTF8 in bad)
        + " or raise data.max_bad to leave these out"
    )
