"""Exports of taggers: words, places, tags, spans and scores, however they are asked for."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logsumexp
from small_models import LSTM, SPELLED_LSTM, small

from pipeline.publishing import golden, saved_model, serving_ops
from pipeline.publishing.golden_tags import BLOCKED, Chain, best, tag_answers
from pipeline.publishing.servable import Servable
from pipeline.publishing.tag_signatures import tag_servable
from pipeline.publishing.verify import replay
from pipeline.text import schemes

TEXTS = ["I lost my card in Köln!", "", "pay", "where  is\tthe card? " * 9, "❤️ l'été 日本", "a"]
BIO = ["B-loc", "B-per", "I-loc", "I-per", "O"]
BIOES = [*(f"{letter}-{kind}" for letter in "BIES" for kind in ("loc", "per")), "O"]
CRF, SOFTMAX = "{kind: tag, decoder: crf}", "{kind: tag}"
WORDPIECE = "text.tokenizer={kind: wordpiece}"
EXPORTS = {
    "crf": (CRF, LSTM, BIO, ()),
    "softmax": (SOFTMAX, LSTM, BIO, ()),
    "bioes": ("{kind: tag, decoder: crf, scheme: bioes}", LSTM, BIOES, ()),
    "plain": ("{kind: tag, scheme: plain}", LSTM, ["ADJ", "NOUN", "VERB"], ()),
    "plain_crf": ("{kind: tag, scheme: plain, decoder: crf}", LSTM, ["ADJ", "NOUN"], ()),
    "pieces": (CRF, LSTM, BIO, (WORDPIECE,)),
    "spelled": (SOFTMAX, SPELLED_LSTM, BIO, ()),
    "whitespace": (CRF, LSTM, BIO, ("text.tokenizer.split=whitespace",)),
    "bfloat16": (CRF, LSTM, BIO, ("train.precision=mixed_bfloat16",)),
}


@pytest.fixture(scope="module", params=EXPORTS)
def made(request, tmp_path_factory):
    """The recipe, its labels, what is served, the model, its export and what that answers."""
    task, model, labels, settings = EXPORTS[request.param]
    recipe, tokenizer, model = small(task, model, labels, *settings)
    folder = tmp_path_factory.mktemp(request.param)
    served: Servable = tag_servable(tokenizer, model, labels, recipe.task)
    served.save(folder)
    return recipe, labels, served, model, folder, saved_model.load(folder)


def check_same(got, wanted, atol=2e-6):
    assert got.keys() == wanted.keys()
    for name, rows in wanted.items():
        if name == "unread":
            assert list(got[name]) == list(rows)
        elif name == "scores":
            assert [len(row) for row in got[name]] == [len(row) for row in rows]
            np.testing.assert_allclose(np.concatenate(got[name]), np.concatenate(rows), atol=atol)
        else:
            assert got[name] == rows, name


def test_it_answers_what_the_model_answers(made):
    recipe, labels, served, model, _, answer = made
    tolerance = 1e-2 if recipe.train.precision == "mixed_bfloat16" else 1e-5
    examples = golden.choose([(text,) for text in TEXTS], 6, 1)
    requests = tag_answers(examples, served.inputs, model, labels, recipe.task, 10 * tolerance)
    assert len(requests) >= len(examples) / 2
    assert replay(requests, answer, tolerance) <= tolerance
    said = {tag for request in requests for tag in request["outputs"]["tags"]}
    assert len(said) > 1


def test_places_are_those_of_the_raw_text(made):
    recipe, *_, answer = made
    got = answer(TEXTS)
    for i, text in enumerate(TEXTS):
        assert [text[b:e] for b, e in zip(got["begins"][i], got["ends"][i], strict=True)] == [
            *got["words"][i]
        ]
        assert len(got["words"][i]) == len(got["tags"][i]) == len(got["scores"][i])
        assert all(0 < score <= 1.0001 for score in got["scores"][i])
    assert got["words"][1] == []
    assert ("span_labels" in got) == (recipe.task.scheme != "plain")
    if recipe.text.tokenizer.kind == "word":
        words = 9 * (4 if recipe.text.tokenizer.split == "whitespace" else 5)  # or with the "?"
        assert len(got["words"][3]) == recipe.text.max_length == 20
        assert got["unread"].tolist() == [0, 0, 0, words - 20, 0, 0]


def test_an_answer_is_the_same_alone_and_in_a_batch(made):
    recipe, *_, answer = made
    together = answer(TEXTS)
    atol = 1e-2 if recipe.train.precision == "mixed_bfloat16" else 2e-6
    for i, text in enumerate(TEXTS):
        check_same(answer([text]), {name: [rows[i]] for name, rows in together.items()}, atol)


def test_given_words_are_not_cut_further(made):
    *_, answer = made
    asked = [["lost", "Köln-Süd", "", "New York", "?"], [], ["\ufffd", "my"] * 3]
    got = answer(asked, signature="words")
    assert got["words"] == asked
    for i, words in enumerate(asked):
        text = " ".join(words)
        places = zip(got["begins"][i], got["ends"][i], strict=True)
        assert [text[b:e] for b, e in places] == words
        check_same(
            answer([words], signature="words"), {name: [rows[i]] for name, rows in got.items()},
            2e-2,
        )  # fmt: skip


def test_words_and_their_text_have_the_same_tags(made):
    *_, answer = made
    texts = ["my card is lost", "pay"]
    check_same(answer([text.split() for text in texts], signature="words"), answer(texts), 1e-6)


def test_batches_of_none_and_bytes_that_are_no_utf8(made):
    *_, answer = made
    for signature in ("serving_default", "words"):
        assert [list(rows) for rows in answer([], signature=signature).values()] == [[]] * len(
            answer([])
        )
    odd = [b"lost \xff\xfe card \x00", "lost \ufffd\ufffd card \ufffd".encode()]
    for signature, asked in (("serving_default", odd), ("words", [t.split() for t in odd])):
        for rows in answer(asked, signature=signature).values():
            assert rows[0] == pytest.approx(rows[1], abs=1e-6)


def test_names_types_and_padding(made):
    recipe, *_, folder, _ = made
    model = tf.saved_model.load(str(folder))
    assert sorted(model.signatures) == ["serving_default", "words"]
    kinds = {"words": "string", "begins": "int32", "ends": "int32", "tags": "string"}
    kinds |= {"scores": "float32"}
    if recipe.task.scheme != "plain":
        kinds |= {"span_labels": "string", "span_begins": "int32", "span_ends": "int32"}
    for signature in model.signatures.values():
        shapes = {k: (v.dtype.name, len(v.shape)) for k, v in signature.structured_outputs.items()}
        assert shapes == {name: (kind, 2) for name, kind in kinds.items()} | {
            "unread": ("int32", 1)
        }
    got = model.signatures["serving_default"](text=tf.constant(["my card", "lost"]))
    filled = {"words": b"", "tags": b"", "begins": -1, "ends": -1, "scores": 0.0}
    assert {name: got[name].numpy()[1, 1] for name in filled} == filled


def test_the_server_knows_its_ops(made):
    serving_ops.report(made[-2])


def test_every_answer_is_spelt_as_the_scheme_has_it(made):
    recipe, *_, answer = made
    scheme = recipe.task.scheme
    if scheme == "plain":
        return
    texts = [" ".join(words) for words in itertools.product(["my", "card", "x"], repeat=4)]
    got = answer(texts)
    assert len({tuple(tags) for tags in got["tags"]}) > 3
    for tags, kinds in zip(got["tags"], got["span_labels"], strict=True):
        assert schemes.convert(tags, scheme) == list(tags)
        assert [span.kind for span in schemes.spans(tags)] == kinds


@pytest.mark.parametrize("blocked", [False, True])
def test_golden_tags_against_all_sequences(blocked):
    random = np.random.default_rng(3)
    chain = Chain(*(2 * random.normal(size=shape) for shape in ((4, 3), (3, 3), 3, 3)))
    if blocked:
        chain.follow[0, 1] = chain.first[2] = BLOCKED
    sequences = np.array(list(itertools.product(range(3), repeat=4)))
    scores = np.array([
        chain.first[s[0]] + chain.words[range(4), s].sum()
        + chain.follow[s[:-1], s[1:]].sum() + chain.last[s[-1]]
        for s in sequences
    ])  # fmt: skip
    order = np.argsort(-scores)
    tags, chances, margin = best(chain)
    np.testing.assert_array_equal(tags, sequences[order[0]])
    assert margin == pytest.approx(scores[order[0]] - scores[order[1]])
    odds = np.exp(scores - logsumexp(scores))
    wanted = [odds[sequences[:, t] == tags[t]].sum() for t in range(4)]
    np.testing.assert_allclose(chances, wanted, atol=1e-12)


def test_tags_that_nothing_decides_between_are_no_golden_ones():
    recipe, tokenizer, model = small(SOFTMAX, LSTM, BIO)
    for weight in model.trainable_weights:
        weight.assign(tf.zeros_like(weight))
    inputs = tag_servable(tokenizer, model, BIO, recipe.task).inputs
    requests = tag_answers([("my card",), ("",)], inputs, model, BIO, recipe.task, 1e-4)
    assert [request["text"] for request in requests] == [""]
