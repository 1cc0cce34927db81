"""Texts that a language model writes, against its losses and against reading all anew."""

import functools
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from language_model_kinds import WORDS
from scipy import stats

from configs.data import Text
from configs.loading import RecipeError, dump, parse
from pipeline import artifacts, build
from pipeline.errors import JobError
from pipeline.generation import Generator, NextWord, Sampling, continued, generate
from pipeline.prepare import prepare
from pipeline.text.special import END, SPECIAL
from pipeline.text.tokenizers import Tokenizer
from pipeline.text.vocabulary import from_tokens
from pipeline.training.train import train

RECIPE = """
name: tiny
data: {train: x}
task: {kind: language_model}
model: {kind: awd_lstm, width: 6, units: 8, layers: 2}
"""
NEVER = {0, 1, 2, 4}
IDS = [2, 7, 5, 11]


@functools.cache
def model(*settings):
    """A small one whose answers depend on all that it has read, not on its biases."""
    built = build.build_model(parse(RECIPE, list(settings)), WORDS, 1)
    random = np.random.default_rng(7)
    for weight in built.trainable_weights:
        weight.assign(random.normal(size=weight.shape) * (2.0 if len(weight.shape) > 1 else 0.3))
    return built


def generator(built, *sampling, stop=None, **named):
    sampler = Sampling(*sampling, **named).sampler(len(WORDS))
    return Generator(NextWord(built, NEVER), sampler, stop)


def probabilities(built, ids):
    """Of each word after ids, which are read from their beginning: by what it would cost there."""
    targets = np.zeros((len(WORDS), len(ids)), np.int32)
    targets[:, -1] = np.arange(len(WORDS))
    inputs = {"ids": np.tile(ids, (len(WORDS), 1)), "targets": targets, "fresh": targets < 0}
    for name, tensor in built.input.items():
        if name.startswith("state_"):
            inputs[name] = np.zeros((len(WORDS), tensor.shape[-1]), np.float32)
    found = np.exp(-built(inputs)["losses"].numpy()[:, -1].astype(np.float64))
    found[list(NEVER)] = 0
    return found / found.sum()


def filtered(p, temperature, top_k, top_p):
    """Word after word from the likeliest down, until there are enough."""
    p = p ** (1 / temperature) / (p ** (1 / temperature)).sum()
    kept, total = np.zeros_like(p), 0.0
    for rank, word in enumerate(np.argsort(-p)):
        if (top_k is None or rank < top_k) and (top_p is None or total < top_p):
            kept[word] = p[word]
        total += p[word]
    return kept / kept.sum()


HOW = [
    (1.0, None, None),
    (0.7, None, None),
    (1.0, 4, None),
    (3.0, None, 0.8),
    (3.0, 5, 0.9),
    (3.0, 3, 0.99),
    (1.0, 99, 1.0),
]


@pytest.mark.parametrize("how", HOW, ids=str)
def test_words_are_drawn_by_their_probabilities(how):
    built, rows = model(), 4000
    expected = filtered(probabilities(built, IDS), *how)
    given = tf.constant(np.tile([*IDS, 0], (rows, 1)), tf.int32)
    written = generator(built, *how, seed=3).write(given, tf.constant(len(IDS)))[:, -1]
    drawn = np.bincount(written, minlength=len(WORDS))
    possible = expected > 0
    assert not drawn[~possible].any()
    assert stats.chisquare(drawn[possible], rows * expected[possible]).pvalue > 0.01


@pytest.mark.parametrize(
    "settings",
    [
        [],
        ["model.tied=false", "model.softmax=sampled", "model.samples=4"],
        ["model.softmax=adaptive", "model.cutoffs=[7, 11]"],
    ],
    ids=["tied", "sampled", "adaptive"],
)
def test_greedy_takes_the_likeliest_after_reading_all_anew(settings):
    built = model(*settings)
    write = generator(built, 0.0)
    for ids in ([2], IDS):
        written = write(ids, 10)
        assert len(written) == 10
        assert len(set(written)) > 1
        for number, word in enumerate(written):
            assert word == probabilities(built, [*ids, *written[:number]]).argmax()


def test_it_stops_where_the_document_ends_and_goes_on_where_it_does_not():
    built = model()
    on = generator(built, 2.0, seed=4)(IDS, 40)
    assert END in on
    stopped = generator(built, 2.0, seed=4, stop=END)(IDS, 40)
    assert stopped == on[: on.index(END)]


def test_a_seed_gives_one_text_another_seed_another():
    built = model()
    first, again, other = (generator(built, 2.0, seed=s)(IDS, 20) for s in (1, 1, 2))
    assert first == again != other


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A run of two steps on some lines of a novel."""
    folder = tmp_path_factory.mktemp("novel")
    lines = Path("samples/novels/the_time_machine.txt").read_text(encoding="utf-8").split("\n")
    for name, some in (("train", lines[:30]), ("valid", lines[30:40])):
        (folder / f"{name}.txt").write_text("\n".join(some), encoding="utf-8")
    files = [f"data.{name}={folder}/{name}.txt" for name in ("train", "valid")]
    train_on = ["train.batch_size=4", "train.window=10", "train.max_steps=2"]
    recipe = parse(RECIPE, [*files, *train_on, f"work={folder}/work"])
    return train(recipe, prepare(recipe))


def test_a_run_writes_words_it_knows_and_the_unknown_one_only_if_let(run_dir):
    sampling = Sampling(temperature=5.0, seed=6)
    found = generate(run_dir, "The Time", 200, sampling)
    assert found["text"].startswith("The Time ")
    assert not any(name in found["text"] for name in SPECIAL)
    assert 0 < found["tokens"] <= 200
    # So young, it thinks all words about as likely: what it may not write would show.
    many = [generate(run_dir, "", 200, Sampling(5.0, seed=s), unknown=True) for s in range(8)]
    assert any("[UNK]" in one["text"] for one in many)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["model={kind: elmo}"], "got elmo with language_model"),
        (["model={kind: text_cnn}", "task={kind: classify}"], "got text_cnn with classify"),
        (["task={kind: classify}"], "got awd_lstm with classify"),
        (["model.backward=true"], "reads texts from their end"),
    ],
)
def test_runs_of_other_models_are_refused(tmp_path, settings, message):
    with artifacts.publish(tmp_path / "run" / "training", "mark", {}) as folder:
        (folder / "recipe.yaml").write_text(dump(parse(RECIPE, settings)))
    with pytest.raises(RecipeError, match=message):
        generate(tmp_path / "run", "the", 5, Sampling())


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(JobError, match=str(tmp_path)):
        generate(tmp_path, "the", 5, Sampling())


@pytest.mark.parametrize(
    ("begun", "written", "text"),
    [
        (["the"], ["cat", ",", "a"], " cat, a"),
        (["the"], [",", "cat"], ", cat"),
        ([], ["the", "cat"], "the cat"),
        (["the"], ["cat", "[SEP]", "a", "cat", "[SEP]"], " cat\na cat\n"),
        (["the", "frog"], ["cat"], " cat"),
    ],
)
def test_what_is_written_goes_on_from_the_prompt(begun, written, text):
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", ",", "a"]
    tokenizer = Tokenizer(Text(), from_tokens(vocabulary))
    ids = [
        [vocabulary.index(w) if w in vocabulary else 1 for w in some] for some in (begun, written)
    ]
    assert continued(tokenizer, *ids) == text
