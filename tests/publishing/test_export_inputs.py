"""Exports of models of two texts, and of models that read characters: asked in every way."""

import numpy as np
import pytest
import tensorflow as tf
from small_models import BERT, CNN, LSTM, SPELLED_CNN, SPELLED_LSTM, small

from pipeline.publishing import golden, saved_model, serving_ops
from pipeline.publishing.signatures import servable
from pipeline.publishing.verify import replay
from pipeline.text.model_inputs import ModelInputs

FIRST = ["I lost my card", "", "pay", "where did my card go? " * 30, "❤️ Köln", "\ufffd \x00"]
SECOND = ["my card is lost", "lost", "", "?", "the card " * 9, "Köln"]
LABELS = ["yes", "no", "perhaps"]
THRESHOLDS = {"yes": 0.5, "no": 0.4, "perhaps": 0.6}
PAIR = "{kind: classify, second: other}"
ALIGNED = LSTM[:-1] + ", pairs: {compare: attention, width: 4}}"
EXPORTS = {
    "pair_cnn": (PAIR, CNN),
    "pair_lstm": (PAIR, LSTM),
    "aligned_pair": (PAIR, ALIGNED),
    "pair_value": ("{kind: regress, second: other}", LSTM),
    "spelled_cnn": ("{kind: classify}", SPELLED_CNN),
    "spelled_lstm": ("{kind: multilabel}", SPELLED_LSTM),
    "spelled_pair": (PAIR, SPELLED_LSTM),
    "bert": ("{kind: multilabel}", BERT[:-1] + ", pooling: max}"),
    "bert_pair": (PAIR, BERT),
    "bert_value": ("{kind: regress, second: other}", BERT[:-1] + ", pooling: mean}"),
}


@pytest.fixture(scope="module", params=EXPORTS)
def made(request, tmp_path_factory):
    """The task, the model's inputs, the model, and the folder of its SavedModel."""
    task, model = EXPORTS[request.param]
    recipe, tokenizer, model = small(task, model, LABELS)
    folder = tmp_path_factory.mktemp(request.param)
    pair = bool(getattr(recipe.task, "second", None))
    least = np.array([THRESHOLDS[label] for label in LABELS])
    servable(tokenizer, model, LABELS, recipe.task.kind, 2, pair, least).save(folder)
    return recipe.task, ModelInputs(tokenizer, model.input, pair), model, folder


def columns(inputs):
    return [FIRST, SECOND][: len(inputs.texts)]


def test_it_answers_what_the_model_answers(made):
    task, inputs, model, folder = made
    examples = golden.choose(zip(*columns(inputs), strict=True), 6, len(inputs.texts))
    chosen = THRESHOLDS if task.kind == "multilabel" else None
    requests = golden.answers(examples, inputs, model, LABELS, task.kind, 2, chosen)
    assert replay(requests, saved_model.load(folder)) <= 1e-5
    first = [name for name in requests[0] if name not in ("outputs", "thresholds")]
    assert first == ["text", "second"][: len(inputs.texts)]
    spread = np.ptp([r["outputs"].get("score", r["outputs"].get("value")) for r in requests])
    assert spread > 0.05


def test_an_answer_is_the_same_alone_and_in_a_batch(made):
    _, inputs, _, folder = made
    answer = saved_model.load(folder)
    together = answer(*columns(inputs))
    for i, texts in enumerate(zip(*columns(inputs), strict=True)):
        for name, (alone,) in answer(*([text] for text in texts)).items():
            if name in ("label", "labels"):
                np.testing.assert_array_equal(alone, together[name][i])
            else:
                np.testing.assert_allclose(alone, together[name][i], atol=1e-6)


def test_every_text_matters_and_so_does_which_is_which(made):
    task, inputs, _, folder = made
    answer = saved_model.load(folder)
    name = "value" if task.kind == "regress" else "probabilities"
    asked = [["my card", "pay", "my card", "where"], ["where", "where", "pay", "my card"]]
    values = answer(*asked[: len(inputs.texts)])[name]
    assert np.abs(values[0] - values[1]).max() > 1e-3
    if len(inputs.texts) > 1:
        assert min(np.abs(values[0] - values[i]).max() for i in (2, 3)) > 1e-3


def test_batches_of_none_and_bytes_that_are_no_utf8(made):
    _, inputs, _, folder = made
    answer = saved_model.load(folder)
    assert {len(value) for value in answer(*([] for _ in inputs.texts)).values()} == {0}
    odd = [[b"lost \xff\xfe card", "lost \ufffd\ufffd card".encode()] for _ in inputs.texts]
    for value in answer(*odd).values():
        if value.dtype.kind == "f":
            np.testing.assert_allclose(value[0], value[1], atol=1e-6)


def test_ids_are_asked_for_where_they_are_all_that_is_read(made):
    _, inputs, _, folder = made
    model = tf.saved_model.load(str(folder))
    if any("characters" in name for name in inputs.names):
        assert list(model.signatures) == ["serving_default"]
        return
    read = inputs.of_texts(*map(tf.constant, columns(inputs)))
    assert list(read) in (["ids", "second_ids"], ["ids", "types"])
    assert sorted(model.signatures["ids"].structured_input_signature[1]) == sorted(read)
    asked = dict(zip(inputs.texts, map(tf.constant, columns(inputs)), strict=True))
    wanted = model.signatures["serving_default"](**asked)
    for extra in (0, 4):
        wide = {name: tf.pad(x, [[0, 0], [0, extra]]) for name, x in read.items()}
        got = model.signatures["ids"](**wide)
        for name in got:
            if got[name].dtype == tf.string:
                np.testing.assert_array_equal(got[name], wanted[name])
            else:
                np.testing.assert_allclose(got[name], wanted[name], atol=1e-6)


def test_the_server_knows_its_ops(made):
    serving_ops.report(made[-1])
