"""The cache of recent words, against one that looks at word after word."""

from itertools import pairwise

import numpy as np
import pytest
import tensorflow as tf
from language_model_kinds import WORDS, documents

from configs.after_training import NeuralCache
from configs.loading import RecipeError, parse
from pipeline import build, perplexity
from pipeline.neural_cache import Cache
from pipeline.perplexity import DocumentLosses

RECIPE = """
name: tiny
data: {train: x}
task: {kind: language_model}
model: {kind: awd_lstm, width: 6, units: 8, layers: 2}
"""
LENGTHS = (12, 7, 23, 1, 9)
CACHE = NeuralCache(size=6, theta=0.8, weight=0.3)


def by_hand(losses, vectors, words, cache):
    """Of one text: losses (N,), vectors (N, D), words (N,) -> (N,)."""
    found = []
    for t in range(len(words)):
        p, before = np.exp(-losses[t]), range(max(0, t - cache.size), t)
        if before:
            votes = {}
            for i in before:
                votes.setdefault(words[i], 0.0)
                votes[words[i]] += np.exp(cache.theta * vectors[t] @ vectors[i])
            share = votes.get(words[t], 0.0) / sum(votes.values())
            p = (1 - cache.weight) * p + cache.weight * share
        found.append(-np.log(p))
    return np.array(found)


@pytest.fixture(scope="module")
def model():
    built = build.build_model(parse(RECIPE), WORDS, 1)
    random = np.random.default_rng(5)
    for weight in built.trainable_weights:
        weight.assign(random.normal(size=weight.shape))
    return built


@pytest.fixture(scope="module")
def split():
    found = documents(*LENGTHS, seed=3)
    del found.inputs["characters"]
    return found


def read(model, ids, targets):
    """The model's losses and vectors of one text, read in one go."""
    inputs = {"ids": ids[None], "targets": targets[None], "fresh": np.zeros((1, len(ids)), bool)}
    for name, tensor in model.input.items():
        if name.startswith("state_"):
            inputs[name] = np.zeros((1, tensor.shape[-1]), np.float32)
    outputs = model(inputs)
    return (outputs[name].numpy()[0].astype(np.float64) for name in ("losses", "hidden"))


@pytest.mark.parametrize("size", [1, 6, 500])
@pytest.mark.parametrize(("window", "rows"), [(100, 32), (5, 2), (1, 3)])
def test_documents_cost_the_same_in_all_windows_and_batches(
    model, split, size, window, rows, monkeypatch
):
    monkeypatch.setattr(perplexity, "WINDOW", window)
    monkeypatch.setattr(perplexity, "ROWS", rows)
    cache = CACHE.model_copy(update={"size": size})
    task = parse(RECIPE).task
    found, words = DocumentLosses(model, task, split)(split, Cache(cache))
    expected = []
    for row in range(len(split)):
        ids = split.ids[row]
        losses, vectors = read(model, ids[:-1], ids[1:])
        expected.append(by_hand(losses, vectors, ids[1:], cache).sum())
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert words.tolist() == [length + 1 for length in LENGTHS]


@pytest.mark.parametrize("window", [100, 4])
def test_a_stream_has_one_cache_for_all_documents(model, split, window, monkeypatch):
    monkeypatch.setattr(perplexity, "WINDOW", window)
    task = parse(RECIPE, ["task.carry=stream"]).task
    found, _ = DocumentLosses(model, task, split)(split, Cache(CACHE))
    targets = np.concatenate([split.ids[row][1:] for row in range(len(split))])
    losses, vectors = read(model, np.concatenate([[3], targets[:-1]]), targets)
    expected = by_hand(losses, vectors, targets, CACHE)
    borders = np.cumsum([0, *(length + 1 for length in LENGTHS)])
    expected = [expected[a:b].sum() for a, b in pairwise(borders)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_vectors_of_16_bits_and_large_scores_stay_finite():
    hidden = tf.constant(np.full((1, 4, 8), 30.0), tf.bfloat16)
    shown = {"targets": np.array([[5, 6, 5, 0]]), "fresh": np.zeros((1, 4), bool)}
    found = Cache(CACHE)(shown, {"losses": tf.fill([1, 4], 2.0), "hidden": hidden})
    plain = 0.7 * np.exp(-2)
    expected = [2.0, -np.log(plain), -np.log(plain + 0.15), 2.0]
    np.testing.assert_allclose(found[0], expected, rtol=1e-6)


def test_a_model_of_both_directions_has_no_cache():
    settings = ["model={kind: elmo}", "evaluate.cache={}"]
    with pytest.raises(RecipeError, match=r"one direction.*got 'elmo'.*leave it out"):
        parse(RECIPE, settings)
    assert parse(RECIPE, settings[1:]).evaluate.cache == NeuralCache()
