"""What a step learns from texts together, padded or packed, is what it learns from each alone."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import tensorflow as tf
from tiny_gpt import made

from pipeline import batching, build, pretraining, tasks
from pipeline.data import Sequences, Split
from pipeline.text.special import END, START
from pipeline.training import examples
from pipeline.training.step import Step

V = 20
RANDOM = np.random.default_rng(6)
# What a step of plain descent takes away is the gradient, and nothing may be left to chance.
DESCENT = (
    "train.optimizer={kind: sgd}",
    "train.learning_rate=1",
    "model.dropout=0",
    "model.attention_dropout=0",
    "model.head_dropout=0",
)
SIZES = "layers: 2, width: 16, heads: 2"
BERT, GPT = f"model={{kind: bert, {SIZES}}}", f"model={{kind: gpt, {SIZES}, context: 12}}"
SPAN = "{kind: span, longest_question: 2, longest_answer: 2}"


def learner(recipe, model, signature):
    """A batch -> the sums of its weights and losses, and by path the gradients of their mean."""
    variables = model.trainable_variables
    optimizer = build.build_optimizer(recipe.train, 1, [variables])
    loss, strategy = tasks.loss_function(recipe.task), tf.distribute.get_strategy()
    step = Step(model, optimizer, loss, strategy, recipe.train, recipe.seed, signature)
    before = {v.path: v.numpy() for v in variables}

    def learn(batch):
        for v in variables:
            v.assign(before[v.path])
        answer = step(batch, 0, False)
        taken = {v.path: before[v.path] - v.numpy() for v in variables}
        return float(answer["weight"]), float(answer["loss"]), taken

    return learn


def assert_alike(learn, together, alone):
    weight, loss, gradients = learn(together)
    each = [learn(batch) for batch in alone]
    assert weight == sum(own for own, _, _ in each)
    assert loss == pytest.approx(sum(own for _, own, _ in each), rel=1e-5)
    # What comes to the lowest weights has passed through all.
    assert np.abs(gradients["embeddings/table"]).max() > 1e-2
    # A gradient is rounded in proportion to the largest that it is made of, not to itself.
    rounding = 5e-5 * max(np.abs(gradient).max() for gradient in gradients.values())
    for path, gradient in gradients.items():
        mean = sum(own * found[path] for own, _, found in each) / weight
        np.testing.assert_allclose(gradient, mean, atol=rounding, rtol=1e-5, err_msg=path)


def sequences(rows):
    offsets = np.cumsum([0, *map(len, rows)])
    return Sequences(np.concatenate(rows).astype(np.int32), offsets)


def texts_of(windows) -> Iterator[dict]:
    """A batch for each text, or part of one, that stands in a window."""
    for ids, targets, fresh in zip(*(windows[n] for n in ("ids", "targets", "fresh")), strict=True):
        number = np.count_nonzero(targets)
        for start, end in pairwise([0, *(np.flatnonzero(fresh[1:number]) + 1), number]):
            yield {
                "ids": ids[None, start:end],
                "targets": targets[None, start:end],
                "fresh": np.arange(end - start)[None] == 0,
                "weight": np.array([end - start], np.float32),
            }


def padded(alone, length) -> dict:
    """One text a row."""
    return {
        name: np.concatenate(
            [np.pad(x[name], [(0, 0), (0, length - x[name].shape[1])]) for x in alone]
        )
        if alone[0][name].ndim == 2
        else np.concatenate([x[name] for x in alone])
        for name in alone[0]
    }


@pytest.mark.parametrize(
    "settings",
    [
        ["model.layout=gpt"],
        ["model.layout=gpt2"],
        ["model.softmax=adaptive", "model.cutoffs=[6, 12]"],
        ["model.softmax=sampled", "model.samples=5"],
    ],
    ids=str,
)
def test_texts_of_a_language_model_packed_into_windows(settings):
    recipe, model = made(V, *settings, *DESCENT, "train.batch_size=9")
    documents = [[START, *RANDOM.integers(5, V, n), END] for n in (3, 1, 9, 2, 5, 1, 14)]
    ones = np.ones(len(documents), np.float32)
    split = Split({"ids": sequences(documents)}, None, [], {}, ones)
    batches = examples.batches(recipe, split, 1)
    [whole] = batches.epoch(0, 0)
    windows = {name: x.numpy() for name, x in whole.tensors.items()}
    alone = list(texts_of(windows))
    assert len(windows["ids"]) == 6 < len(documents) < len(alone)  # of 42 tokens in windows of 8
    learn = learner(recipe, model, batches.signature)
    assert_alike(learn, windows, alone)
    assert_alike(learn, padded(alone, 8), alone)


@pytest.mark.parametrize(
    "settings",
    [
        [BERT, "task={kind: classify}"],
        [BERT, "task={kind: classify}", "model.pooling=mean"],
        [BERT, "task={kind: regress}", "model.pooling={kind: attention, score: additive}"],
        [BERT, "task={kind: tag}"],
        [BERT, "task={kind: tag, decoder: crf}"],
        [BERT, f"task={SPAN}"],
        [GPT, "task={kind: classify}", "model.auxiliary=0.5"],
    ],
    ids=str,
)
def test_labelled_texts_in_a_padded_batch(settings):
    recipe, model = made(V, *settings, *DESCENT)
    lengths = (3, 7, 4, 5)
    inputs = {
        "ids": [[START, *RANDOM.integers(5, V, n - 2), END] for n in lengths],
        "types": [np.arange(n) > 1 for n in lengths],
        "starts": [np.arange(1, n - 1) for n in lengths],
    }
    labels = {
        "classify": np.array([0, 2, 1, 2]),
        "regress": np.array([0.5, -1, 3, 0], np.float32),
        "tag": sequences([np.arange(n - 2) % 3 for n in lengths]),
        "span": np.array([[2, 2], [0, 0], [2, 3], [3, 3]], np.int32),
    }[recipe.task.kind]
    shown = {name: sequences(inputs[name]) for name in model.input}
    split = Split(shown, labels, [], {}, np.array([1, 0.5, 2, 1], np.float32))
    learn = learner(recipe, model, batching.signature(split))
    # Wider than the longest, and with two rows that are no texts.
    together = batching.batch(split, np.arange(4), parts=3, fixed=(1, 12))
    assert together["ids"].shape == (6, 12)
    assert_alike(learn, together, [batching.batch(split, np.array([n]), 1) for n in range(4)])


@pytest.mark.parametrize("pairs", ["none", "next"])
def test_masked_texts_in_a_padded_batch(pairs):
    settings = [BERT, f"task={{kind: masked_language_model, pairs: {pairs}}}", "text.max_length=12"]
    recipe, model = made(V, *settings, *DESCENT)
    ids = sequences([[START, *RANDOM.integers(5, V, n - 2), END] for n in (4, 9, 6, 7)])
    places = sequences([[1], [1, 4, 7], [2, 4], [5]])
    targets = Sequences(RANDOM.integers(5, V, 7).astype(np.int32), places.offsets)
    second = np.array([2, 5, 3, 4], np.int32) * (pairs != "none")
    asked = pretraining.Asked(second, np.array([0, 1, 1, 0]), places=places, targets=targets)
    split = Split({"ids": ids}, asked, [], {}, np.ones(4, np.float32))
    learn = learner(recipe, model, pretraining.signature())
    keys = np.zeros(4, np.uint64)
    together = pretraining.batch(split, np.arange(4), keys, parts=3, fixed=(1, 12))
    assert together["ids"].shape == (6, 12)
    # A mask counts as much as any other of the batch, however many its text has.
    counts = {"token_weight": together["token_weight"][:1]}
    alone = [pretraining.batch(split, np.array([n]), keys[:1]) | counts for n in range(4)]
    assert_alike(learn, together, alone)
