"""A language model of one direction, exported: what it says of texts and of what comes next."""

from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from small_models import WORDS

from configs import loading
from pipeline.build import build_model
from pipeline.publishing import saved_model, serving_ops
from pipeline.publishing.golden_language import language_answers, next_answers
from pipeline.publishing.language_scorers import OneDirection
from pipeline.publishing.language_signatures import language_servable, shown
from pipeline.publishing.verify import replay
from pipeline.text import vocabulary
from pipeline.text.special import SPECIAL
from pipeline.text.tokenizers import Tokenizer

RECIPE = """
name: x
data: {train: a}
text: {max_length: 6}
task: {kind: language_model}
model: {kind: awd_lstm, width: 6, units: 5, layers: 2, samples: 7, cutoffs: [7, 12]}
"""
TEXTS = ["my card", "", "x", "where is the card? pay my card lost card", "lost ?"]
EVERY = 99  # more than there are


def made(*settings, words=None):
    """The recipe, its tokenizer and a model whose weights are large enough to answer apart."""
    recipe = loading.parse(RECIPE, list(settings))
    learned = vocabulary.from_tokens([*SPECIAL, *WORDS])
    if words is not None:
        learned = vocabulary.learn(words, recipe.text.tokenizer)
    tokenizer = Tokenizer(recipe.text, learned)
    model = build_model(recipe, tokenizer.vocabulary, 1)
    random = tf.random.Generator.from_seed(7)
    for weight in model.trainable_weights:
        weight.assign(random.normal(weight.shape, stddev=0.7))
    return recipe, tokenizer, model


def exported(folder, recipe, tokenizer, model, top_k=EVERY):
    """The loaded export, and golden requests to all that it answers."""
    backward = recipe.model.backward
    served = language_servable(tokenizer, model, recipe.task, backward, top_k)
    served.save(folder)
    texts = [(text,) for text in TEXTS]
    requests = language_answers(texts, served.inputs, model, recipe.task, backward)
    if not backward:
        requests += next_answers(texts, tokenizer, model, recipe.task, top_k)
    return saved_model.load(folder), requests


@pytest.mark.parametrize("carry", ["document", "stream"])
@pytest.mark.parametrize("softmax", ["full", "adaptive", "sampled"])
def test_it_answers_as_evaluation_does(carry, softmax, tmp_path):
    job = made(f"task.carry={carry}", f"model.softmax={softmax}")
    answer, requests = exported(tmp_path, *job)
    assert replay(requests, answer, 1e-5) < 1e-5
    assert [r["outputs"]["words"] for r in requests[:5]] == [3, 1, 2, 7, 3]
    assert serving_ops.report(tmp_path)["tf_serving"] == serving_ops.OLDEST


@pytest.mark.parametrize(
    ("kind", "size"), [("word", 20), ("wordpiece", 40), ("sentencepiece", 25), ("character", 20)]
)
def test_every_tokenizer(kind, size, tmp_path):
    words = Counter(" ".join(TEXTS).replace("?", " ?").split())
    settings = [f"text.tokenizer={{kind: {kind}, size: {size}, min_count: 1}}"]
    if kind == "sentencepiece":
        settings = [f"text.tokenizer={{kind: {kind}, size: {size}}}"]
    answer, requests = exported(tmp_path, *made(*settings, words=words), top_k=3)
    assert replay(requests, answer, 1e-5) < 1e-5


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What an export answers that tells the probabilities of all tokens."""
    return exported(tmp_path_factory.mktemp("whole"), *made())[0]


def test_next_words_are_what_losses_say_of_longer_texts(whole):
    """p(w | text) from the losses of the text and of the text with w behind it."""

    def total(text):
        found = whole([text])
        return float(found["loss"][0] * found["words"][0])

    def chances(text):
        found = whole([text], signature="next")
        return dict(zip(found["tokens"][0].tolist(), found["scores"][0].tolist(), strict=True))

    text = "my card"
    found = chances(text)
    before = total(text) + np.log(found["[SEP]"])  # the end that is no end
    for word in ("lost", "card", "?", "is"):
        longer = f"{text} {word}"
        expected = np.exp(before - total(longer) - np.log(chances(longer)["[SEP]"]))
        assert found[word] == pytest.approx(expected, rel=1e-3)


def test_next_words_are_in_order_and_none_is_special(whole):
    found = whole(TEXTS, signature="next")
    assert found["tokens"].shape == found["scores"].shape == (5, len(WORDS) + 1)
    for tokens, scores in zip(found["tokens"], found["scores"], strict=True):
        assert set(tokens) == {*WORDS, "[SEP]"}
        assert (np.diff(scores) <= 0).all()
        assert 0.3 < scores.sum() < 1
    assert whole([], signature="next")["tokens"].shape == (0, len(WORDS) + 1)


def test_what_comes_next_goes_by_the_end_of_a_long_text(whole):
    long, end = whole(
        ["pay pay pay lost my card is the card", "lost my card is the card"], signature="next"
    )["scores"]
    np.testing.assert_allclose(long, end, atol=1e-6)
    other = whole(["pay pay pay lost my card is the x"], signature="next")["scores"][0]
    assert np.abs(other - end).max() > 1e-3


def test_a_running_text_follows_the_end_of_another(tmp_path):
    """The first word is judged by what is read before it; a document that is alone by [CLS]."""
    found = {}
    for carry in ("document", "stream"):
        answer, _ = exported(tmp_path / carry, *made(f"task.carry={carry}"))
        found[carry] = answer([""], signature="next")["scores"][0]
    assert np.abs(found["document"] - found["stream"]).max() > 1e-3


@pytest.mark.parametrize("carry", ["document", "stream"])
def test_a_ready_vocabulary_has_its_own_boundaries(carry):
    """BERT's has [CLS] and [SEP] at 101 and 102."""
    tokens = ["[PAD]", "[MASK]", "one", "[SEP]", "[UNK]", "[CLS]", "two"]
    recipe = loading.parse(RECIPE, [f"task.carry={carry}", "text.tokenizer={kind: wordpiece}"])
    tokenizer = Tokenizer(recipe.text, vocabulary.from_tokens(tokens))
    model = build_model(recipe, tokens, 1)
    assert shown(tokenizer) == [token in ("one", "two", "[SEP]") for token in tokens]
    bounds = tokenizer.start_id, tokenizer.end_id
    scorer = OneDirection(model, recipe.task, False, *bounds)
    read = scorer.shown(tokenizer.ids(["one two", "two"]).to_tensor())
    first = 5 if carry == "document" else 3
    assert read["ids"].numpy().tolist() == [[first, 2, 6], [first, 6, 0]]
    assert read["targets"].numpy().tolist() == [[2, 6, 3], [6, 3, 0]]
