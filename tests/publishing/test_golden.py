"""Which texts become golden requests, and what their answers are computed as."""

import numpy as np
import tensorflow as tf

from pipeline.publishing import golden
from pipeline.text.model_inputs import ModelInputs


class Words(tf.Module):
    """A tokenizer of one id a character."""

    def ids(self, texts):
        return tf.strings.unicode_decode(texts, "UTF-8")


INPUTS = ModelInputs(Words(), ["ids"])


def test_the_choice_depends_on_the_texts_alone():
    texts = [(f"text {i}",) for i in range(100)]
    chosen = golden.choose(texts, 10, 1)
    assert chosen == golden.choose(reversed(texts + texts), 10, 1)
    assert len(set(chosen[:10]) & set(texts)) == 10
    # The same in every process, unlike Python's own hash.
    assert chosen[:3] == [("text 86",), ("text 5",), ("text 32",)]
    assert chosen[10:] == [(text,) for text in golden.HARD_TEXTS]
    more = [*texts, ("one more",)]
    assert golden.choose(more, 100, 1)[:100] != golden.choose(texts, 100, 1)[:100]


def test_pairs_are_hard_on_both_sides():
    pairs = [("a", "b"), ("b", "a")]
    chosen = golden.choose(pairs, 5, 2)
    assert set(chosen[:2]) == set(pairs)
    firsts, seconds = zip(*chosen[2:], strict=True)
    assert set(firsts) == set(seconds) == set(golden.HARD_TEXTS)
    assert all(first != second for first, second in chosen)


def test_a_split_smaller_than_asked_for_is_taken_whole():
    chosen = golden.choose([("b",), ("a",), ("?",)], 10, 1)
    assert set(chosen[:3]) == {("b",), ("a",), ("?",)}
    assert chosen.count(("?",)) == 1


def outputs(logits, task, top_k=2, thresholds=None):
    seen = []

    def model(inputs, training):
        assert training is False
        seen.append(inputs["ids"].tolist())
        return {"logits": tf.constant([logits], tf.float32)}

    names = ["x", "y", "z"]
    [request] = golden.answers([("ab",)], INPUTS, model, names, task, top_k, thresholds)
    assert request.get("thresholds") == thresholds
    assert seen == [[[97, 98]]]
    assert request["text"] == "ab"
    return request["outputs"]


def test_classify_is_a_softmax_in_order():
    got = outputs([0.0, np.log(6.0), np.log(3.0)], "classify")
    assert (got["label"], got["labels"]) == ("y", ["y", "z"])
    np.testing.assert_allclose(got["probabilities"], [0.1, 0.6, 0.3], atol=1e-7)
    np.testing.assert_allclose([got["score"], *got["scores"]], [0.6, 0.6, 0.3], atol=1e-7)


def test_multilabel_is_a_sigmoid_each():
    logits, low, high = [0.0, np.log(3.0), -np.log(3.0)], {"x": 0.4, "y": 0.2, "z": 0.3}, 0.8
    got = outputs(logits, "multilabel", thresholds=low)
    np.testing.assert_allclose(got["probabilities"], [0.5, 0.75, 0.25], atol=1e-7)
    assert (got["label"], got["labels"]) == ("y", ["y", "x"])
    np.testing.assert_allclose([got["score"], *got["scores"]], [0.75, 0.75, 0.5], atol=1e-7)
    got = outputs(logits, "multilabel", thresholds=dict.fromkeys("xyz", high))
    assert (got["label"], got["score"], got["labels"], got["scores"]) == ("", 0.0, [], [])


def test_regress_is_the_number_itself():
    assert outputs([-3.5], "regress") == {"value": -3.5}


def test_a_text_without_tokens_is_one_padding_id():
    seen = []

    def model(inputs, training):
        seen.append(inputs["ids"].tolist())
        return {"logits": tf.zeros([1, 1])}

    golden.answers([("",)], INPUTS, model, [], "regress", 1)
    assert seen == [[[0]]]
