"""Whole jobs of a gpt: on running text, and on labels with the loss of the text's own tokens."""

import csv
import random
from pathlib import Path

import novel
import pytest
from outcomes import TWO_REPLICAS, assert_same_bits, history, killed_and_resumed, losses
from safetensors.numpy import load_file

from configs.loading import load, parse
from pipeline.errors import JobError
from pipeline.prepare import prepare
from pipeline.training.train import train as train_by_recipe

# Masks belong to the parts of a batch, so losses of one device and two are compared without.
NO_CHANCE = "model.dropout=0", "model.attention_dropout=0"


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory):
    """Paragraphs of a novel, of which several stand in a window."""
    folder = tmp_path_factory.mktemp("gpt")
    return novel.recipe_file(
        folder,
        data={
            "train": novel.lines(folder / "novel.txt", 0, 60),
            "valid": novel.lines(folder / "more.txt", 60, 75),
        },
        text={
            "max_length": 19,
            "tokenizer": {"kind": "sentencepiece", "algorithm": "bpe", "size": 300},
        },
        task={"kind": "language_model"},
        model={
            "kind": "gpt",
            "layers": 2,
            "width": 16,
            "heads": 2,
            "context": 20,
            "layout": "gpt2",
        },
    )


@pytest.fixture(scope="module")
def one_device(train_here, tmp_path_factory):
    return train_here(tmp_path_factory.mktemp("one"), *NO_CHANCE)


def test_it_learns(train_here, tmp_path):
    first, *_, last = history(train_here(tmp_path, *NO_CHANCE, "train.epochs=5"))
    assert last["valid_perplexity"] < 0.8 * first["valid_perplexity"]


@pytest.mark.parametrize("tokenizer", ["word", "wordpiece"])
@pytest.mark.parametrize("layout", ["gpt", "gpt2"])
def test_other_tokenizers_and_layouts(recipe_file, tmp_path, tokenizer, layout):
    kind = f"text.tokenizer={{kind: {tokenizer}, size: 300}}"
    settings = [f"work={tmp_path}", kind, f"model.layout={layout}", "task.carry=stream"]
    recipe = load(recipe_file, [*settings, "train.max_steps=3"])
    [found] = history(train_by_recipe(recipe, prepare(recipe)))
    assert found["train_loss"] < 7


@pytest.mark.slow
def test_replicas_and_parts_give_the_loss_of_one_device(train, one_device, tmp_path):
    run_dir = train(tmp_path, *NO_CHANCE, TWO_REPLICAS, "train.accumulation=2")
    # 3e-7 apart after an epoch; Adam makes more of it with each further one.
    assert losses(run_dir) == pytest.approx(losses(one_device), rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", [[], [TWO_REPLICAS]], ids=["one", "two"])
def test_a_killed_job_ends_with_the_same_bits(start, train, tmp_path, strategy):
    whole = train(tmp_path / "whole", *strategy)
    steps = [random.randint(1, 12), random.randint(13, 25)]
    assert_same_bits(killed_and_resumed(start, train, tmp_path / "killed", steps, *strategy), whole)


def test_the_sample_recipe(tmp_path):
    path = Path("configs/language_model/sample_gpt.yaml")
    chosen = load(path, [f"work={tmp_path}", "train.max_steps=4", "data.valid=0.02"])
    [found] = history(train_by_recipe(chosen, prepare(chosen)))
    assert found["train_loss"] < 8
    assert found["valid_perplexity"] < 2000


@pytest.fixture(scope="module")
def labels(one_device, tmp_path_factory):
    """A recipe that tells a question by its mark, from the language model's weights."""
    folder = tmp_path_factory.mktemp("labels")
    lines = Path("samples/novels/the_time_machine.txt").read_text(encoding="utf-8").split("\n")
    parts = [part for line in lines for part in line.split(". ") if 3 < len(part.split()) < 12]
    with open(folder / "train.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "second", "label"])
        for n, part in enumerate(parts[:80]):
            writer.writerow([part, parts[-n], ["plain", "asked"][n % 2]])
    return f"""
name: labels
work: {folder / "work"}
init_from: {one_device}
data: {{train: {folder / "train.csv"}, valid: 0.2}}
text: {{max_length: 20, tokenizer: {{kind: sentencepiece, model: {one_device}}}}}
task: {{kind: classify}}
model: {{kind: gpt, layers: 2, width: 16, heads: 2, context: 20, layout: gpt2}}
train: {{epochs: 1, batch_size: 16, learning_rate: 0.003}}
"""


def tuned(labels, *settings):
    recipe = parse(labels, settings)
    return train_by_recipe(recipe, prepare(recipe))


def test_labels_are_learned_from_a_language_models_weights(labels, one_device):
    still = tuned(labels, "train.learning_rate=0.000000001")
    before, after = (
        load_file(run / "training" / "weights.safetensors") for run in (one_device, still)
    )
    assert before.keys() < after.keys()
    assert {path.partition("/")[0] for path in after.keys() - before.keys()} == {"head"}
    for path, value in before.items():
        assert abs(after[path] - value).max() < 1e-6, path


@pytest.mark.parametrize(
    "task", ["{kind: regress, label: label}", "{kind: classify, second: second}"], ids=str
)
def test_pairs_and_numbers(labels, task, tmp_path):
    rows = Path(parse(labels, []).data.train[0]).read_text(encoding="utf-8")
    if "regress" in task:
        rows = rows.replace(",asked", ",1").replace(",plain", ",0")
    (tmp_path / "rows.csv").write_text(rows, encoding="utf-8")
    run = tuned(labels, f"data.train={tmp_path}/rows.csv", f"task={task}", f"work={tmp_path}")
    assert history(run)[0]["train_loss"] > 0


def test_the_auxiliary_loss_is_learned_beside_the_labels(labels):
    """It moves what the labels leave alone: the biases of the softmax."""
    biases = {}
    for weight in (0.0, 0.5):
        weights = load_file(
            tuned(labels, f"model.auxiliary={weight}") / "training/weights.safetensors"
        )
        biases[weight] = weights.get("softmax/bias")
    assert biases[0.0] is None
    assert abs(biases[0.5]).max() > 1e-3


def test_a_gpt_of_another_layout_is_refused(labels):
    with pytest.raises(JobError, match=r"has layout gpt; say model: \{kind: gpt, layout: gpt2"):
        tuned(labels, "model.layout=gpt")
