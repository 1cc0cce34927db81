"""Models of two texts, and models whose answers are as long as their texts, over both protocols."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import tensorflow as tf
from running_server import running

from configs.data import Text
from pipeline.text.tokenizers import Tokenizer
from pipeline.text.vocabulary import from_tokens
from serving.client import GrpcClient, RestClient, ServerError, TokenizingClient
from serving.load_test import Load, measure

STRINGS, IDS = (tf.TensorSpec(shape, kind) for shape, kind in
                (([None], tf.string), ([None, None], tf.int32)))  # fmt: skip


class Pair(tf.Module):
    """How much longer the second text is: in bytes, and in the sum of its ids."""

    @tf.function(input_signature=[STRINGS, STRINGS])
    def from_texts(self, text, second):
        return self.answer(tf.strings.length(second) - tf.strings.length(text))

    @tf.function(input_signature=[IDS, IDS])
    def from_ids(self, ids, second_ids):
        return self.answer(tf.reduce_sum(second_ids, axis=1) - tf.reduce_sum(ids, axis=1))

    def answer(self, more):
        return {"value": tf.cast(more, tf.float32), "label": tf.where(more > 0, "more", "not")}


class Sequence(tf.Module):
    """The sum of the ids of the second text, after that of the first."""

    @tf.function(input_signature=[STRINGS, STRINGS])
    def from_texts(self, text, second):
        return {"sums": tf.zeros([tf.size(text), 2], tf.int32)}

    @tf.function(input_signature=[IDS, IDS])
    def from_ids(self, ids, types):
        sums = [tf.reduce_sum(ids * tf.cast(types == kind, tf.int32), axis=1) for kind in (0, 1)]
        return {"sums": tf.stack(sums, axis=1)}


class Tagger(tf.Module):
    """A word's tag is its length; each word of more than three letters is a span."""

    @tf.function(input_signature=[STRINGS])
    def from_texts(self, text):
        return self.answer(tf.strings.split(text))

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.string)])
    def from_words(self, words):
        return self.answer(tf.RaggedTensor.from_tensor(words, padding=""))

    def answer(self, words):
        lengths = tf.strings.length(words, unit="UTF8_CHAR")
        ends = tf.ragged.range(words.row_lengths()) + 1
        tags = tf.strings.as_string(lengths)
        long = lengths > 3

        def spans(values, filled):
            return tf.ragged.boolean_mask(values, long).to_tensor(filled)

        begins, ends = (tf.cast(places, tf.int32) for places in (ends - 1, ends))
        return {
            "words": words.to_tensor(""),
            "begins": begins.to_tensor(-1),
            "ends": ends.to_tensor(-1),
            "tags": tags.to_tensor(""),
            "scores": tf.cast(1 / lengths, tf.float32).to_tensor(0.0),
            "span_labels": spans(tags, ""),
            "span_begins": spans(begins, -1),
            "span_ends": spans(ends, -1),
        }


TEXTS = ["where is Köln", "", "a b c d e f g h", "my card"]
TAGGED = {
    "words": [text.split() for text in TEXTS],
    "begins": [[0, 1, 2], [], [*range(8)], [0, 1]],
    "ends": [[1, 2, 3], [], [*range(1, 9)], [1, 2]],
    "tags": [["5", "2", "4"], [], ["1"] * 8, ["2", "4"]],
    "scores": [[pytest.approx(0.2), 0.5, 0.25], [], [1.0] * 8, [0.5, 0.25]],
    "span_labels": [["5", "4"], [], [], ["4"]],
    "span_begins": [[0, 2], [], [], [1]],
    "span_ends": [[1, 3], [], [], [2]],
}


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    folder = tmp_path_factory.mktemp("several")
    models = {"pair": (Pair(), "ids"), "sequence": (Sequence(), "ids")}
    for name, (model, other) in {**models, "tagger": (Tagger(), "words")}.items():
        signatures = {"serving_default": model.from_texts, other: getattr(model, f"from_{other}")}
        tf.saved_model.save(model, str(folder / "models" / name / "1"), signatures)
    with running(folder, folder / "models") as server:
        yield server


@pytest.fixture(params=[RestClient, GrpcClient])
def client_of(request, several):
    """A model's client over each protocol."""
    where = several.rest if request.param is RestClient else several.grpc
    return lambda model: request.param(where, model)


def test_two_texts_are_asked_for_together(client_of):
    with client_of("pair") as client:
        got = client.predict(["a", "", "ä"], ["abc", "", "b"])
        assert got == {"value": [2.0, 0.0, -1.0], "label": ["more", "not", "not"]}
        assert client.predict([], []) == {"value": [], "label": []}
        with pytest.raises(ServerError, match="second"):
            client.predict(["a"])
        with pytest.raises(ServerError, match="equal 0th-dimension size"):
            client.predict(["a"], ["b", "c"])


def test_rows_and_columns_answer_the_same(several):
    inputs = {"text": ["a", "abc"], "second": ["abc", ""]}
    columns = several.post("pair:predict", json={"inputs": inputs}).json()["outputs"]
    rows = [{"text": "a", "second": "abc"}, {"text": "abc", "second": ""}]
    answered = several.post("pair:predict", json={"instances": rows}).json()["predictions"]
    assert answered == [{"value": 2.0, "label": "more"}, {"value": -3.0, "label": "not"}]
    assert columns == {name: [row[name] for row in answered] for name in answered[0]}
    refused = several.post("pair:predict", json={"instances": ["a"]})
    assert (refused.status_code, "list of objects" in refused.text) == (400, True)


def test_ids_of_two_texts(client_of, tmp_path):
    settings = Text.model_validate({"max_length": 6})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "card", "my"]
    Tokenizer(settings, from_tokens(vocabulary)).save(tmp_path)
    with client_of("pair") as client:
        got = TokenizingClient(client, tmp_path).predict(["my card", "card"], ["card", "my"])
        assert got["value"] == [-6.0, 1.0]


def test_ids_of_two_texts_as_one_sequence(client_of, tmp_path):
    settings = Text.model_validate({"max_length": 7})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "card", "my"]
    Tokenizer(settings, from_tokens(vocabulary)).save(tmp_path)
    with client_of("sequence") as client:
        tokenizing = TokenizingClient(client, tmp_path, sequences=True)
        got = tokenizing.predict(["my card", "card my my my"], ["card", "my my my my my"])
    # [CLS] my card [SEP] card [SEP]; of the second pair two tokens of each are left.
    assert got["sums"] == [[2 + 6 + 5 + 3, 5 + 3], [2 + 5 + 6 + 3, 6 + 6 + 3]]


def test_answers_are_as_long_as_their_texts(client_of):
    with client_of("tagger") as client:
        assert client.predict(TEXTS) == TAGGED
        assert client.predict_words([text.split() for text in TEXTS]) == TAGGED
        assert client.predict([""]) == {name: [[]] for name in TAGGED}
        assert client.predict([]) == {name: [] for name in TAGGED}


def test_texts_of_different_lengths_are_answered_together(client_of):
    """Each as alone, though what runs together is filled up to the longest."""
    asked = [" ".join("x" * (1 + j % 5) for j in range(i % 13)) for i in range(60)]

    def ask(text):
        with client_of("tagger") as client:
            return client.predict([text])

    with ThreadPoolExecutor(12) as pool:
        for text, got in zip(asked, pool.map(ask, asked), strict=True):
            assert got["words"] == [text.split()]
            assert got["tags"] == [[str(len(word)) for word in text.split()]]
            assert len(got["span_begins"][0]) == sum(len(word) > 3 for word in text.split())


def test_a_row_of_a_batch_has_the_form_that_tensorflow_serving_gives_it(several):
    rows = several.post("tagger:predict", json={"instances": ["a bcde", "x"]}).json()["predictions"]
    assert rows[1]["words"] == ["x", ""]
    assert rows[1]["begins"] == [0, -1]
    assert rows[1]["span_labels"] == [""]
    alone = several.post("tagger:predict", json={"instances": ["x"]}).json()["predictions"]
    assert alone[0]["words"] == ["x"]
    assert alone[0]["span_begins"] == []


def test_the_server_says_how_to_ask(several):
    assert """-d '{"instances": [{"second": "a text", "text": "a text"}]}' http""" in several.said
    assert """-d '{"instances": ["a text"]}' http""" in several.said


@pytest.mark.parametrize("kind", ["rest", "grpc"])
def test_a_load_of_pairs(several, kind):
    address = {"rest": several.rest.removeprefix("http://"), "grpc": several.grpc}[kind]
    rows = ({"text": "a", "second": "b"}, {"text": "", "second": "ä"})
    report = measure(Load(kind, address, "pair", rows, clients=2, requests=40))
    assert (report.requests, report.errors) == (40, {})
