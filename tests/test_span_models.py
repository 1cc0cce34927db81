"""Models of span questions: what recipes may say, their sizes, and that padding is not seen."""

import numpy as np
import pytest

from configs import estimate, loading
from configs.loading import RecipeError
from pipeline.build import build_model

RECIPE = """
name: small
data: {train: train.json, format: squad}
task: {kind: span, longest_question: 5, longest_answer: 4}
text: {max_length: 24}
"""
LSTM = "model={kind: lstm, embedding: {width: 6}, units: 5}"
GRU = "model={kind: gru, embedding: {width: 6}, units: 5, layers: 2, bidirectional: true}"
BERT = "model={kind: bert, layers: 2, width: 8, heads: 2, positions: 24}"
VOCABULARY = 20


@pytest.fixture(params=[LSTM, GRU, BERT], ids=["lstm", "gru", "bert"])
def made(request):
    recipe = loading.parse(RECIPE, [request.param])
    model = build_model(recipe, [f"t{i}" for i in range(VOCABULARY)], 1)
    random = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign(random.normal(size=weight.shape) * 0.5)
    return recipe, model


def test_the_size_is_told_beforehand(made):
    recipe, model = made
    assert sum(estimate.parameters(recipe, VOCABULARY, 2).values()) == model.count_params()


def test_a_window_alone_is_the_window_in_a_padded_batch(made):
    _, model = made
    random = np.random.default_rng(1)
    ids = random.integers(5, VOCABULARY, (3, 12)).astype(np.int32)
    types = np.repeat([[0] * 4 + [1] * 8], 3, axis=0).astype(np.int32)
    lengths = (12, 7, 5)
    for row, length in enumerate(lengths):
        ids[row, length:] = types[row, length:] = 0
    together = model({"ids": ids, "types": types})
    assert {name: logits.dtype.name for name, logits in together.items()} == {
        "start_logits": "float32",
        "end_logits": "float32",
    }
    for row, length in enumerate(lengths):
        alone = model({"ids": ids[row : row + 1, :length], "types": types[row : row + 1, :length]})
        for name, logits in alone.items():
            np.testing.assert_allclose(logits[0], together[name][row, :length], atol=1e-5)
            # What is neither [CLS] nor of the context is no answer.
            assert (np.asarray(logits[0])[1:4] < -1e8).all()
            assert (np.abs(np.asarray(logits[0])[[0, 4]]) < 1e3).all()


def test_the_question_s_side_is_seen(made):
    _, model = made
    ids = np.arange(5, 13, dtype=np.int32)[None]
    answers = [
        model({"ids": ids, "types": np.array([[0] * n + [1] * (8 - n)], np.int32)}) for n in (2, 4)
    ]
    one, other = (np.asarray(found["start_logits"])[0, 5:] for found in answers)
    assert np.abs(one - other).max() > 1e-3


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["text.max_length=11"], "text.max_length: a window holds the question.* 12 tokens here"),
        (["model.embedding={characters: {}}"], "leave embedding.characters"),
        (["model={kind: text_cnn}"], "does not learn a task of kind 'span'"),
    ],
)
def test_recipes_that_are_refused(settings, said):
    with pytest.raises(RecipeError, match=said):
        loading.parse(RECIPE, [LSTM, *settings])
