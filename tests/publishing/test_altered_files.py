"""Whatever was altered after it was written is refused by whatever would read it."""

import shutil

import pytest

from pipeline import artifacts, data, earlier_weights, runs
from pipeline.errors import JobError
from pipeline.evaluation.compared import from_folder
from pipeline.evaluation.evaluate import evaluate
from pipeline.publishing.answers import answerer
from pipeline.publishing.export import export
from pipeline.text import earlier_words
from pipeline.training.checkpoints import Checkpoints


@pytest.fixture
def work(trained, tmp_path):
    """A copy of all that the trained run has written, and the run's folder in it.

    Without exports, which other tests may have made of it: an export is not made twice.
    """
    exports = shutil.ignore_patterns("models", "export.json")
    work = shutil.copytree(trained.recipe.work, tmp_path / "work", ignore=exports)
    run_dir = work / "runs" / trained.run_dir.name
    facts = artifacts.read_json(run_dir / "training" / artifacts.MANIFEST)
    (prepared,) = (path for path in (work / "prepared").iterdir() if path.is_dir())
    facts["prepared"] = str(prepared)
    artifacts.write_json(run_dir / "training" / artifacts.MANIFEST, facts)
    return run_dir


def swapped(path):
    """Swap the second line of a text with the third, or change a bit of other files."""
    content = path.read_bytes()
    if path.suffix in (".tfrecord", ".safetensors"):
        path.write_bytes(content[:-20] + bytes([content[-20] ^ 1]) + content[-19:])
    else:
        lines = content.splitlines(keepends=True)
        path.write_bytes(b"".join([lines[0], lines[2], lines[1], *lines[3:]]))
    assert path.read_bytes() != content


def prepared_file(run_dir, name):
    (path,) = run_dir.parent.parent.glob(f"prepared/*/{name}")
    return path


READERS = {
    "export": export,
    "load": lambda _, run_dir: runs.load(run_dir),
    "init_from": lambda _, run_dir: earlier_weights.read(run_dir),
    "vocabulary": lambda _, run_dir: earlier_words.find(str(run_dir)),
}


@pytest.mark.parametrize("name", ["labels.json", "tokenizer/vocabulary.txt"])
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_words_and_labels_of_the_prepared_data(work, trained, name, read):
    """Golden requests would be made from the same altered files, and verify would find no fault."""
    swapped(prepared_file(work, name))
    recipe = trained.recipe.model_copy(update={"work": str(work.parent.parent)})
    with pytest.raises(JobError, match=rf"{name} is not what its manifest says .* delete "):
        read(recipe, work)
    assert not list(work.parent.parent.glob("models/*/1"))


def test_words_of_prepared_data_and_of_an_export(work, export_dir, tmp_path):
    prepared = prepared_file(work, "tokenizer").parent
    copy = shutil.copytree(export_dir, tmp_path / "1")
    for folder in (prepared, copy):
        assert earlier_words.find(str(folder)) == folder / "tokenizer" / "vocabulary.txt"
        swapped(folder / "tokenizer" / "vocabulary.txt")
        for path in (folder, folder / "tokenizer"):
            with pytest.raises(JobError, match=r"vocabulary\.txt is not what its manifest says"):
                earlier_words.find(str(path))


def test_examples(work, trained):
    shard = prepared_file(work, "test-*.tfrecord")
    swapped(shard)
    assert len(data.load(shard.parent, "train", trained.recipe, 2))
    with pytest.raises(JobError, match=rf"{shard.name} is not what its manifest says"):
        data.load(shard.parent, "test", trained.recipe, 2)


def test_a_checkpoint(work):
    found = Checkpoints(work / "checkpoints", keep=2)
    step = found.newest()
    swapped(found.directory(step) / "variables.safetensors")
    with pytest.raises(JobError, match=r"variables\.safetensors is not what its manifest says"):
        found.restore(step, {})


def test_an_evaluation(work, trained):
    facts = artifacts.manifest(work / "training")
    settings = trained.recipe.evaluate.model_dump(mode="json")
    mark = artifacts.fingerprint(facts["fingerprint"], facts["files"], settings)
    with artifacts.publish(work / "evaluation", mark, {}) as folder:
        artifacts.write_json(folder / "metrics.json", {"accuracy": {"value": 0.75}})
        artifacts.write_json(folder / "report.json", {})
    prepared = prepared_file(work, "labels.json").parent
    assert evaluate(trained.recipe, prepared, work) == {"accuracy": {"value": 0.75}}
    artifacts.write_json(work / "evaluation" / "metrics.json", {"accuracy": {"value": 0.99}})
    readers = (
        lambda: evaluate(trained.recipe, prepared, work),
        lambda: from_folder(work),
        lambda: export(trained.recipe, work),
    )
    for read in readers:
        with pytest.raises(JobError, match=r"metrics\.json is not what its manifest says"):
            read()


def test_an_export(export_dir, tmp_path):
    copy = shutil.copytree(export_dir, tmp_path / "1")
    swapped(copy / "labels.json")
    with pytest.raises(JobError, match=r"labels\.json is not what its manifest says"):
        answerer(copy)
