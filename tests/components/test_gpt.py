"""What a gpt may look at, and its losses in NumPy."""

import numpy as np
import pytest
from tiny_gpt import LABELS, made

from components.gpt import PackedTexts

V = 20
RANDOM = np.random.default_rng(3)
LAYOUTS = [["model.layout=gpt"], ["model.layout=gpt2"]]


def read(model, ids, fresh=None, targets=None):
    ids = np.asarray(ids)
    given = {"ids": ids, "targets": np.ones_like(ids) if targets is None else targets}
    given["fresh"] = np.zeros_like(ids, bool) if fresh is None else fresh
    return model({name: given[name] for name in model.input}, training=False)


def chances(hidden, model):
    """(B, T, V) log probabilities, in NumPy."""
    table = np.asarray(model.get_layer("embeddings").table, np.float64)
    scores = np.asarray(hidden, np.float64) @ table.T + np.asarray(model.get_layer("softmax").bias)
    return scores - np.log(np.exp(scores).sum(-1, keepdims=True))


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("carry", ["document", "stream"])
def test_later_tokens_change_nothing_before_them(layout, carry):
    _, model = made(V, *layout, f"task.carry={carry}")
    ids = RANDOM.integers(2, V, (3, 8))
    before = read(model, ids)["hidden"]
    for place in range(1, 8):
        other = ids.copy()
        other[:, place] = ids[:, place] % (V - 2) + 2
        after = read(model, other)["hidden"]
        np.testing.assert_allclose(after[:, :place], before[:, :place], atol=1e-5)
        assert np.abs(after[:, place:] - before[:, place:]).max(axis=(0, 2)).min() > 1e-3


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_texts_in_one_row_are_the_texts_by_themselves(layout):
    _, model = made(V, *layout)
    texts = [RANDOM.integers(2, V, length) for length in (3, 1, 4)]
    row = np.concatenate(texts)[None]
    fresh = np.zeros((1, 8), bool)
    fresh[0, [3, 4]] = True  # the first text began in an earlier window
    packed = read(model, row, fresh)["hidden"][0]
    start = 0
    for text in texts:
        alone = read(model, text[None])["hidden"][0]
        np.testing.assert_allclose(packed[start : start + len(text)], alone, atol=1e-5)
        start += len(text)
    assert np.abs(read(model, row)["hidden"][0, 3:] - packed[3:]).max() > 1e-2


def test_padding_changes_nothing():
    _, model = made(V)
    ids = RANDOM.integers(2, V, (1, 5))
    padded = np.pad(ids, ((0, 0), (0, 3)))
    np.testing.assert_allclose(
        read(model, padded)["hidden"][:, :5], read(model, ids)["hidden"], atol=1e-5
    )


def test_places_and_numbers_of_packed_texts():
    fresh = RANDOM.random((6, 30)) < 0.2
    segments, positions = PackedTexts()(fresh)
    for row in range(6):
        number, place = 1, -1
        for t in range(30):
            number, place = (number + 1, 0) if fresh[row, t] else (number, place + 1)
            assert (segments[row, t], positions[row, t]) == (number, place)


def test_losses_are_those_of_the_next_tokens():
    _, model = made(V)
    ids, targets = RANDOM.integers(2, V, (2, 2, 8))
    outputs = read(model, ids, targets=targets)
    expected = -np.take_along_axis(chances(outputs["hidden"], model), targets[..., None], -1)
    np.testing.assert_allclose(outputs["losses"], expected[..., 0], rtol=1e-4)


def test_the_auxiliary_loss_is_the_mean_of_a_texts_own_tokens():
    """lambda / (n - 1) sum over t of -log p(x_t+1 | x_1 .. x_t), with the tokens around a text."""
    _, model = made(V, *LABELS, "model.auxiliary=0.3")
    _, language_model = made(V)
    shared = {w.path: w for w in model.weights}
    for weight in language_model.weights:
        weight.assign(shared[weight.path])
    ids = np.array([[2, 9, 8, 3, 0, 0], [2, 5, 7, 11, 6, 3]])
    found = model({"ids": ids, "types": 0 * ids}, training=False)["penalty"]
    log_p = chances(read(language_model, ids)["hidden"], language_model)
    for row, length in enumerate((4, 6)):
        own = [-log_p[row, t, ids[row, t + 1]] for t in range(length - 1)]
        assert float(found[row]) == pytest.approx(0.3 * np.mean(own), rel=1e-4)
    assert len(shared) == len(language_model.weights) + 2


def test_labels_are_told_by_the_last_token_alone():
    _, model = made(V, *LABELS)
    _, language_model = made(V)
    shared = {w.path: w for w in model.weights}
    for weight in language_model.weights:
        weight.assign(shared[weight.path])
    ids = np.array([[2, 9, 8, 3, 0, 0], [2, 5, 7, 11, 6, 3]])
    last = np.asarray(read(language_model, ids)["hidden"])[[0, 1], [3, 5]]
    head = model.get_layer("head")
    kernel, bias = (w.numpy() for w in head.weights)
    expected = last @ kernel + bias
    found = model({"ids": ids, "types": 0 * ids}, training=False)["logits"]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_without_an_auxiliary_loss_there_is_no_softmax():
    _, model = made(V, *LABELS, "model.auxiliary=0")
    assert "penalty" not in model.output
    assert not any(w.path.startswith("softmax") for w in model.weights)
