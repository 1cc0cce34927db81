"""Batch inference on Beam: files in, the same rows with the model's answers out.

A unit of work is a file, as in `pipeline.prepare`: a worker streams it through the SavedModel, a
thousand rows in memory at a time, and writes one output file, so rows keep their order and the
bytes do not depend on the number of workers. To spread one large file over workers, cut it first.
"""

import csv
import functools
import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from configs import loading
from configs.data import Beam
from configs.loading import RecipeError
from configs.tasks import Tag
from pipeline import artifacts
from pipeline.errors import JobError
from pipeline.prepare import checks, dead_letters, files, runners, sources
from pipeline.prepare.bad_records import NOT_UTF8, Record, bad
from pipeline.prepare.batches import batched
from pipeline.prepare.dialects import Dialect
from pipeline.prepare.sources import UTF8
from pipeline.publishing import answers
from pipeline.publishing.answers import answerer

DEAD_LETTERS = "dead_letters"

# Loaded once in each process that works.
loaded = functools.cache(answerer)


@dataclass(frozen=True)
class Unit:
    """One input file; `columns` hold the texts: one, or both of a pair.

    `given`: whether a text may be there as a list of words, to be tagged as it is.
    """

    path: str
    kind: str
    dialect: Dialect
    columns: tuple[str, ...]
    given: bool
    separator: str  # joins several labels in a CSV field; without one a list is JSON there
    export_dir: Path
    output: Path  # to write, with the ending .csv or .jsonl
    dead_letters: Path


class Row(NamedTuple):
    line: int
    record: Record
    asked: answers.Row

    @property
    def size(self) -> int:
        return sum(map(len, self.asked))


def predict(
    export_dir: Path,
    inputs: Sequence[str],
    output: Path,
    beam: Beam | None = None,
    columns: Sequence[str] = (),
    kind: str = "auto",
    dialect: Dialect = UTF8,
) -> dict[str, Any]:
    """Answer every row of the input files with the columns of `pipeline.publishing.answers`.

    `output` gets one file for each input file, with its rows, columns and order: JSONL, but CSV
    from CSV and TSV, in which several labels are joined as in training and other lists are JSON.
    Where a column of an answer's name is there already, it is replaced. Rows that cannot be
    answered go to `dead_letters/` in it, with file, line and reason.

    Args:
        inputs: paths or globs on any filesystem that Beam knows, `.gz` included.
        columns: where the texts are, if not in the columns that the model learned from; two for
            a model of pairs.
        kind: format of the files; "auto" goes by their endings.
        dialect: how text files are written.

    Returns:
        {"rows", "predicted", "dead_letters": {reason: count}, "seconds", "output"}.

    Raises:
        JobError: no input, a damaged export or file, a text column that is not there, or an
            `output` that holds something else.
        RecipeError: not as many columns as the model reads texts.
    """
    artifacts.check(export_dir)
    if output.exists() and not _predictions(output):
        raise JobError(f"{output} is there and holds no predictions: name a folder of its own")
    began = time.monotonic()
    mark = artifacts.manifest(export_dir)["fingerprint"]
    facts: dict[str, Any] = {"export_dir": str(export_dir.resolve())}
    with artifacts.publish(output, mark, facts) as folder:
        (folder / DEAD_LETTERS).mkdir()
        scratch = folder / "scratch"  # some runners leave files of their own beside their sink
        scratch.mkdir()
        units = _units(export_dir, inputs, folder, tuple(columns), kind, dialect)
        facts["inputs"] = runners.run(beam or Beam(), answer_file, units, scratch / "answers")
        shutil.rmtree(scratch)
    bad: Counter[str] = Counter()
    for counts in facts["inputs"]:
        bad.update(counts["dead_letters"])
    rows = sum(counts["rows"] for counts in facts["inputs"])
    return {
        "rows": rows,
        "predicted": rows - bad.total(),
        "dead_letters": dict(sorted(bad.items())),
        "seconds": round(time.monotonic() - began, 3),
        "output": str(output),
    }


def _predictions(folder: Path) -> bool:
    path = folder / artifacts.MANIFEST
    return path.is_file() and "inputs" in artifacts.read_json(path)


def _units(
    export_dir: Path,
    inputs: Sequence[str],
    folder: Path,
    columns: tuple[str, ...],
    kind: str,
    dialect: Dialect,
) -> list[Unit]:
    task = loading.load(export_dir / "recipe.yaml").task
    learned = checks.text_columns(task)
    if columns and len(columns) != len(learned):
        raise RecipeError(
            f"--column: the model reads {len(learned)} column(s), {', '.join(learned)} in training;"
            f" got {', '.join(columns)}"
        )
    units = []
    for index, source in enumerate(files.matching(tuple(inputs))):
        found = files.format_of(source.path, kind)
        ending = "csv" if found in ("csv", "tsv") else "jsonl"
        name = f"{index:05d}-{files.name_of(source.path).split('.')[0]}"
        units.append(
            Unit(
                source.path,
                found,
                dialect,
                columns or (("text",) if found == "text" and len(learned) == 1 else learned),
                isinstance(task, Tag),
                getattr(task, "separator", ""),
                export_dir.resolve(),
                (folder / f"{name}.{ending}").resolve(),
                (folder / DEAD_LETTERS / f"{name}.jsonl").resolve(),
            )
        )
    return units


def answer_file(unit: Unit) -> dict[str, Any]:
    """Answer one file and return its counts."""
    answer = loaded(unit.export_dir)
    rows = 0
    with (
        open(unit.output, "w", encoding="utf-8", errors="backslashreplace", newline="") as file,
        dead_letters.Writer(unit.dead_letters, unit.path) as letters,
    ):
        write = WRITERS[unit.output.suffix](file, unit.separator)
        for batch in batched(_rows(unit), lambda row: row.size):
            rows += len(batch)
            found = iter(answer([row.asked for row in batch if isinstance(row.record, dict)]))
            for line, record, _ in batch:
                if isinstance(record, dict):
                    write({**record, **next(found)})
                else:
                    letters.write(line, record)
    if not letters.reasons:
        unit.dead_letters.unlink()
    return {"file": unit.path, "rows": rows, "dead_letters": dict(letters.reasons)}


def _rows(unit: Unit) -> Iterator[Row]:
    found = sources.read(unit.path, unit.kind, unit.columns, others=True, dialect=unit.dialect)
    for line, record in found:
        if isinstance(record, dict):
            try:
                texts = (
                    _text(checks.value_in(record, column), unit.given) for column in unit.columns
                )
                yield Row(line, record, tuple(texts))
                continue
            except checks.Refused as refused:
                record = bad(str(refused), record)
            except UnicodeEncodeError:
                record = bad(NOT_UTF8, record)
        yield Row(line, record, ())


def _text(value: Any, given: bool) -> bytes | answers.Words:
    return (
        checks.word_list(value) if given and isinstance(value, list) else checks.text_bytes(value)
    )


def _csv_writer(file: TextIO, separator: str) -> Callable[[dict[str, Any]], None]:
    writer = csv.writer(file, lineterminator="\n")
    header: list[str] = []

    def write(record: dict[str, Any]) -> None:
        if not header:
            header.extend(record)
            writer.writerow(header)
        writer.writerow([joined(f) if isinstance(f, list) else f for f in record.values()])

    def joined(field: list) -> str:
        if separator:
            return separator.join(map(str, field))
        return json.dumps(field, ensure_ascii=False)

    return write


def _jsonl_writer(file: TextIO, separator: str) -> Callable[[dict[str, Any]], None]:
    def write(record: dict[str, Any]) -> None:
        # Half a surrogate pair, which JSON can spell, is spelled the same way again by the file's
        # error handler.
        file.write(json.dumps(record, ensure_ascii=False, default=str) + "\n")

    return write


WRITERS = {".csv": _csv_writer, ".jsonl": _jsonl_writer}
