"""Batch inference on Beam: files in, the same rows with the model's answers out.

A unit of work is a file, as in `pipeline.prepare`, so rows keep their order and the bytes do not
depend on the number of workers. To spread one large file over workers, cut it first.
"""

import dataclasses
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from configs import loading
from configs.data import Beam
from configs.loading import RecipeError
from configs.tasks import Tag
from pipeline import artifacts
from pipeline.errors import JobError
from pipeline.prepare import checks, files, inputs, runners
from pipeline.prepare.dialects import Dialect
from pipeline.prepare.sources import UTF8
from pipeline.progress import log
from pipeline.publishing import answers
from pipeline.publishing.answering import LETTERS, PART, ROWS, Form, Unit, answer_file

DEAD_LETTERS = "dead_letters"


def predict(
    export_dir: Path,
    patterns: Sequence[str],
    output: Path,
    beam: Beam | None = None,
    columns: Sequence[str] = (),
    kind: str = "auto",
    dialect: Dialect = UTF8,
    form: Form | None = None,
) -> dict[str, Any]:
    """Answer every row of the input files with the columns of `pipeline.publishing.answers`.

    `output` gets one file for each input file, with its columns, a row for each of its rows and in
    their order: JSONL, but CSV from CSV and TSV, in which several labels are joined as in training
    and other lists are JSON. `predicted_row` counts a file's rows from 1. A row that cannot be
    answered has nothing in the answer's columns but a reason in `predicted_reason`, and stands in
    `dead_letters/` too, with file, line and what was read. Where a column of such a name is there
    already, it is replaced.

    What a killed job had answered stays beside the output, and the same call goes on from there.

    Args:
        patterns: paths or globs on any filesystem that Beam knows, `.gz` included.
        columns: where the texts are, if not in the columns that the model learned from; two for
            a model of pairs.
        kind: format of the files; "auto" goes by their endings.
        dialect: how text files are written.
        form: how answers are.

    Returns:
        {"rows", "predicted", "dead_letters": {reason: count}, "unread", "seconds", "output"};
        `unread` counts the rows of a tagger with more words than the model reads.

    Raises:
        JobError: no input, a damaged export or file, a text column that is not there, an `output`
            that holds something else, or rows of which none could be answered.
        RecipeError: not as many columns as the model reads texts, or scores that a task lacks.
    """
    artifacts.check(export_dir)
    if output.exists() and not _predictions(output):
        raise JobError(f"{output} is there and holds no predictions: name a folder of its own")
    began = time.monotonic()
    parts = output.with_name(f".{output.name}.parts").resolve()
    units = _units(export_dir, patterns, parts, tuple(columns), kind, dialect, form or Form())
    if done := sum(unit.finished() for unit in units):
        log.info("predict: goes on behind %d parts of %d rows", done, PART)
    scratch = parts / "answers"  # some runners leave files of their own beside their sink
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    counts = runners.run(beam or Beam(), answer_file, units, scratch / "answers")
    facts = {"export_dir": str(export_dir.resolve()), "inputs": counts}
    with artifacts.publish(output, artifacts.fingerprint(facts), facts) as folder:
        _join(units, counts, folder)
    shutil.rmtree(parts)
    return _total(counts, output) | {"seconds": round(time.monotonic() - began, 3)}


def _predictions(folder: Path) -> bool:
    path = folder / artifacts.MANIFEST
    return path.is_file() and "inputs" in artifacts.read_json(path)


def _units(
    export_dir: Path,
    patterns: Sequence[str],
    parts: Path,
    columns: tuple[str, ...],
    kind: str,
    dialect: Dialect,
    form: Form,
) -> list[Unit]:
    task = loading.load(export_dir / "recipe.yaml").task
    labels = artifacts.read_json(export_dir / "labels.json")
    learned = checks.text_columns(task)
    if columns and len(columns) != len(learned):
        raise RecipeError(
            f"--column: the model reads {len(learned)} column(s), {', '.join(learned)} in training;"
            f" got {', '.join(columns)}"
        )
    units = []
    for index, source in enumerate(files.matching(tuple(patterns))):
        found = files.format_of(source.path, kind)
        ending = "csv" if found in ("csv", "tsv") else "jsonl"
        alone = ("text",) if found == "text" and len(learned) == 1 else learned
        unit = Unit(
            path=source.path,
            kind=found,
            dialect=dialect,
            columns=columns or alone,
            given=isinstance(task, Tag),
            separator=getattr(task, "separator", ""),
            answers=answers.names(task, labels, form.all_scores),
            form=form,
            export_dir=export_dir.resolve(),
            output=f"{index:05d}-{files.name_of(source.path).split('.')[0]}.{ending}",
            parts=parts / f"{index:05d}",
            mark="",
        )
        units.append(dataclasses.replace(unit, mark=_mark(unit)))
    return units


def _mark(unit: Unit) -> str:
    export = artifacts.manifest(unit.export_dir)["files"]
    asked = {**dataclasses.asdict(unit), "export_dir": "", "parts": "", "mark": ""}
    return artifacts.fingerprint(asked, PART, export, inputs.content(unit.path))


def _join(units: Sequence[Unit], counts: Sequence[dict[str, Any]], folder: Path) -> None:
    """Put the parts of each file together."""
    (folder / DEAD_LETTERS).mkdir()
    for unit, counted in zip(units, counts, strict=True):
        places = [unit.part(number) for number in range(counted["parts"])]
        _concatenate([place / ROWS for place in places], folder / unit.output)
        if counted["dead_letters"]:
            letters = folder / DEAD_LETTERS / f"{Path(unit.output).stem}.jsonl"
            _concatenate([place / LETTERS for place in places], letters)


def _concatenate(parts: Sequence[Path], target: Path) -> None:
    with open(target, "wb") as file:
        for path in parts:
            with open(path, "rb") as part:
                shutil.copyfileobj(part, file)


def _total(counts: Sequence[dict[str, Any]], output: Path) -> dict[str, Any]:
    """
    Raises:
        JobError: there are rows, and not one was answered.
    """
    bad: Counter[str] = Counter()
    for counted in counts:
        bad.update(counted["dead_letters"])
    rows = sum(counted["rows"] for counted in counts)
    if rows and bad.total() == rows:
        raise JobError(
            f"none of {rows:,} rows is answered ({in_words(bad)}); {output} says so row by row. If"
            " the texts stand in another column, name it by --column"
        )
    return {
        "rows": rows,
        "predicted": rows - bad.total(),
        "dead_letters": dict(sorted(bad.items())),
        "unread": sum(counted["unread"] for counted in counts),
        "output": str(output),
    }


def in_words(reasons: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {reason}" for reason, number in reasons.items())
