"""The stages of preparing, in order: read, learn the vocabulary, find repeats, write, report.

Between the stages only small facts come back here; what is bulky lies in files under `scratch`,
which the workers see too, and what is whole moves out of it at the end.
"""

import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from configs.recipe import Recipe
from configs.tasks import MaskedLanguageModel
from pipeline import artifacts
from pipeline.prepare import (
    counting,
    dead_letters,
    inputs,
    labels,
    origins,
    pretraining,
    repeats,
    report,
    report_page,
    shards,
    special_tokens,
    unseen_labels,
)
from pipeline.prepare.inputs import Unit
from pipeline.prepare.plans import check_splits, plan
from pipeline.prepare.runners import Facts
from pipeline.prepare.runners import run as on_beam
from pipeline.prepare.scanning import scan
from pipeline.prepare.sharding import Share, shard
from pipeline.quiet import import_tensorflow

LAYOUT = 2  # counted up when the same inputs come to be prepared differently
FOLDERS = ("hashes", "words", "plan", "tokens", "shards", "refused")
MOST_WORDS = 32_000  # in each bucket, for a vocabulary to be learned from; a million in all
log = logging.getLogger("textmill")


def run(recipe: Recipe, patience: float | None = None) -> Path:
    """See `pipeline.prepare.prepare`."""
    units = inputs.units(recipe)
    made_from = {
        "layout": LAYOUT,
        "settings": inputs.settings(recipe),
        "inputs": inputs.origins(recipe, units),
        "versions": {name: version(name) for name in packages(recipe)},
    }
    mark = artifacts.fingerprint(made_from)
    directory = Path(recipe.work, "prepared", mark)
    if patience is not None:
        artifacts.await_finished(directory, mark, patience)
    with artifacts.to_make(directory, mark) as needed:
        if needed:
            _prepare(recipe, units, directory, mark, made_from)
        else:
            log.info("prepared data is up to date: %s", directory)
    return directory


def _prepare(
    recipe: Recipe, units: list[Unit], directory: Path, mark: str, made_from: dict[str, Any]
) -> None:
    megabytes = sum(unit.size for unit in units) / 1e6
    log.info("preparing %d files, %.1f MB, on %s", len(units), megabytes, recipe.beam.runner)
    manifest: dict[str, Any] = {**made_from}
    with (
        artifacts.publish(directory, mark, manifest) as folder,
        scratch_folder(folder, units) as scratch,
    ):
        manifest |= _stages(recipe, units, folder, scratch)
    log.info("prepared data is in %s; report.html there tells about it", directory)


def packages(recipe: Recipe) -> tuple[str, ...]:
    """Those whose versions may decide on the prepared bytes."""
    splits = ("sentencex",) if isinstance(recipe.task, MaskedLanguageModel) else ()
    return ("tensorflow-text", "sentencepiece", *splits)


@contextmanager
def scratch_folder(folder: Path, units: list[Unit]) -> Iterator[Path]:
    """A place for what workers hand on; afterwards only the dead letters remain, success or not."""
    scratch = (folder / "scratch").resolve()
    for name in FOLDERS:
        (scratch / name).mkdir(parents=True)
    try:
        yield scratch
    finally:
        dead_letters.gather(units, scratch / "refused", folder / dead_letters.FOLDER)
        shutil.rmtree(scratch)


def _stages(recipe: Recipe, units: list[Unit], folder: Path, scratch: Path) -> dict[str, Any]:
    import_tensorflow()
    from pipeline.text import vocabulary
    from pipeline.text.tokenizers import Tokenizer

    data, beam = recipe.data, recipe.beam
    ready = vocabulary.ready(recipe.text.tokenizer)
    work = partial(scan, recipe=recipe, folder=str(scratch), counting=ready is None)
    scans = on_beam(beam, work, units, scratch / "scanned")
    records = dead_letters.records(scans)
    dead_letters.judge(scans, records, data.max_bad, folder)
    known = labels.find(recipe.task, scans)

    if ready is None:
        most = max(MOST_WORDS, recipe.text.tokenizer.size)
        merge = partial(counting.merge, folder=str(scratch / "words"), most=most)
        counted = on_beam(beam, merge, range(counting.BUCKETS), scratch / "counted")
        log.info("%d different words of training texts", sum(c["distinct"] for c in counted))
        ready = vocabulary.learn(counting.merged(scratch / "words"), recipe.text.tokenizer)
    tokenizer = Tokenizer(recipe.text, ready)
    special_tokens.check(recipe.task, tokenizer)
    tokenizer.save(scratch / "tokenizer")

    found = repeats.find([scratch / "hashes" / f"{unit.index:05d}" for unit in units])
    planned = plan(found, data, [fact["checked"] for fact in scans], scratch / "plan")
    check_splits(data, planned.kept, planned.dropped)
    shares = [Share(unit, planned.shown(unit.index)) for unit in units]
    made = second_pass(recipe, shares, scratch, known)
    told = report.facts(recipe, units, known, scans, made, planned)
    for remark in told["remarks"]:
        log.warning("worth a look: %s", remark)
    written = {split: part["examples"] for split, part in report.written(told).items()}
    check_splits(data, written, planned.dropped)
    names = shards.move([fact["shards"] for fact in made], scratch / "shards", folder)
    os.replace(scratch / "tokenizer", folder / "tokenizer")
    artifacts.write_json(folder / "labels.json", known.names)
    artifacts.write_json(folder / "report.json", told)
    (folder / "report.html").write_text(report_page.render(told), encoding="utf-8")
    return {
        "splits": {
            split: {"examples": part["examples"], "tokens": part["tokens"], "shards": names[split]}
            for split, part in report.written(told).items()
        },
        **unseen_labels.facts(known, told["splits"]),
        origins.FILES: [unit.name for unit in units],
        "records": records,
        "dead_letters": told["dead_letters"],
        **words_and_labels(tokenizer, known.names),
    }


def words_and_labels(tokenizer: Any, names: Sequence[str]) -> dict[str, Any]:
    """For the manifest: how many ids there are, and those of the special tokens."""
    ids = ("pad_id", "unknown_id", "start_id", "end_id", "mask_id")
    return {
        "labels": len(names),
        "vocabulary_size": tokenizer.vocabulary_size,
        **{name: getattr(tokenizer, name) for name in ids},
    }


def second_pass(
    recipe: Recipe, shares: list[Share], scratch: Path, known: labels.Labels
) -> list[Facts]:
    """Write the shards of all files; what is in those of each."""
    if isinstance(recipe.task, MaskedLanguageModel):
        return pretraining.stages(recipe, recipe.task, shares, scratch)
    work = partial(shard, recipe=recipe, folder=str(scratch), labels=known)
    return on_beam(recipe.beam, work, shares, scratch / "sharded")
