"""The SavedModel's functions: shapes, empty inputs, padding, precisions and kinds of task."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline import build, runs
from pipeline.publishing import golden, saved_model
from pipeline.publishing.signatures import servable
from pipeline.publishing.verify import TOLERANCES, replay
from pipeline.text.model_inputs import ModelInputs

TEXTS = ["I lost my card", "", "pay", "where did my card go? " * 30, "❤️ Köln", "\ufffd \x00"]


@pytest.fixture(scope="module")
def loaded(export_dir):
    return tf.saved_model.load(str(export_dir))


def test_names_types_and_shapes(loaded):
    signature = loaded.signatures["serving_default"]
    assert signature.structured_input_signature[1]["text"].shape.as_list() == [None]
    shapes = {k: (v.dtype.name, v.shape.as_list()) for k, v in signature.structured_outputs.items()}
    assert shapes == {
        "label": ("string", [None]),
        "score": ("float32", [None]),
        "labels": ("string", [None, 2]),
        "scores": ("float32", [None, 2]),
        "probabilities": ("float32", [None, 2]),
    }
    ids = loaded.signatures["ids"].structured_input_signature[1]["ids"]
    assert (ids.dtype, ids.shape.as_list()) == (tf.int32, [None, None])


def test_a_batch_of_no_texts(export_dir, loaded):
    answers = saved_model.load(export_dir)([])
    assert {name: value.shape for name, value in answers.items()} == {
        "label": (0,),
        "score": (0,),
        "labels": (0, 2),
        "scores": (0, 2),
        "probabilities": (0, 2),
    }
    for shape in ((0, 0), (0, 5), (3, 0)):
        answers = loaded.signatures["ids"](ids=tf.zeros(shape, tf.int32))
        assert answers["scores"].shape == (shape[0], 2)


def test_a_model_whose_kernels_fail_on_empty_tensors(trained, tmp_path):
    """oneDNN's fused convolution gives a batch of none a wrong shape (TensorFlow 2.21)."""
    ids = keras.Input((None,), dtype="int32", name="ids")
    vectors = keras.layers.Embedding(5000, 8)(ids)
    convolutions = [keras.layers.Conv1D(4, 3, padding="same", activation="relu") for _ in "ab"]
    pooled = [keras.ops.max(convolution(vectors), axis=1) for convolution in convolutions]
    logits = keras.layers.Dense(2)(keras.ops.concatenate(pooled))
    model = keras.Model({"ids": ids}, {"logits": logits})
    tokenizer = runs.load(trained.run_dir).tokenizer
    servable(tokenizer, model, ["a", "b"], "classify", 1).save(tmp_path)
    assert saved_model.load(tmp_path)([])["labels"].shape == (0, 1)


def test_a_class_keeps_its_name_where_its_probability_comes_to_0(trained, tmp_path):
    ids = keras.Input((None,), dtype="int32", name="ids")
    zero = 0.0 * keras.ops.cast(keras.ops.sum(ids, axis=1, keepdims=True), "float32")
    logits = keras.ops.concatenate([zero, zero + 1_000.0], axis=1)
    model = keras.Model({"ids": ids}, {"logits": logits})
    tokenizer = runs.load(trained.run_dir).tokenizer
    servable(tokenizer, model, ["a", "b"], "classify", 2).save(tmp_path)
    answers = saved_model.load(tmp_path)(["pay"])
    assert np.asarray(answers["scores"]).tolist() == [[1.0, 0.0]]
    assert np.asarray(answers["labels"]).tolist() == [["b", "a"]]


def test_a_text_gets_the_same_answer_alone_and_in_a_batch(export_dir):
    answer = saved_model.load(export_dir)
    together = answer(TEXTS)
    for i, text in enumerate(TEXTS):
        alone = answer([text])
        np.testing.assert_array_equal(alone["labels"][0], together["labels"][i])
        np.testing.assert_allclose(alone["scores"][0], together["scores"][i], atol=1e-6)


def test_bytes_that_are_no_utf8_get_an_answer(export_dir):
    answer = saved_model.load(export_dir)
    answers = answer([b"lost \xff\xfe card", "lost \ufffd\ufffd card".encode()])
    np.testing.assert_allclose(*answers["probabilities"], atol=1e-6)


def test_ids_answer_as_their_texts_do_whatever_the_padding(loaded, trained):
    tokenizer = runs.load(trained.run_dir).tokenizer
    from_text = loaded.signatures["serving_default"](text=tf.constant(TEXTS))
    ids = tokenizer.ids(tf.constant(TEXTS)).to_tensor(0)
    for extra in (0, 7):
        from_ids = loaded.signatures["ids"](ids=tf.pad(ids, [[0, 0], [0, extra]]))
        np.testing.assert_array_equal(from_text["labels"], from_ids["labels"])
        np.testing.assert_allclose(from_text["scores"], from_ids["scores"], atol=1e-6)


def test_ids_that_the_vocabulary_lacks_are_an_error(loaded, trained):
    size = runs.load(trained.run_dir).tokenizer.vocabulary_size
    loaded.signatures["ids"](ids=tf.constant([[5, size - 1, 0]]))
    for ids in ([[5, -1, -1]], [[5, size]]):
        with pytest.raises(tf.errors.InvalidArgumentError, match="ids: every value has to be in 0"):
            loaded.signatures["ids"](ids=tf.constant(ids))


@pytest.mark.parametrize(
    ("task", "precision"),
    [("classify", name) for name in TOLERANCES]
    + [("multilabel", "float32"), ("regress", "float32")],
)
def test_every_task_and_every_precision(trained, tmp_path, task, precision):
    """Against the golden answers, which NumPy computes from the model's logits."""
    tokenizer = runs.load(trained.run_dir).tokenizer
    settings = {"task": {"kind": task}, "train": {"precision": precision}}
    recipe = type(trained.recipe).model_validate({**trained.recipe.model_dump(), **settings})
    labels = [] if task == "regress" else ["a", "b", "c", "ä"]
    model = build.build_model(recipe, tokenizer.vocabulary, max(1, len(labels)))
    several = task == "multilabel"
    # Of which texts pass some, all or none.
    least = np.array([0.49, 0.5, 0.51, 0.5]) if several else None
    servable(tokenizer, model, labels, task, 3, thresholds=least).save(tmp_path)
    answer = saved_model.load(tmp_path)
    outputs = tf.saved_model.load(tmp_path).signatures["serving_default"](text=tf.constant(TEXTS))
    assert {v.dtype for v in outputs.values()} <= {tf.float32, tf.string}
    examples, inputs = [(text,) for text in TEXTS], ModelInputs(tokenizer, model.input)
    thresholds = dict(zip(labels, least.tolist(), strict=True)) if several else None
    requests = golden.answers(examples, inputs, model, labels, task, 3, thresholds)
    assert replay(requests, answer, TOLERANCES[precision]) <= TOLERANCES[precision]
    if several:
        assert len({len(request["outputs"]["labels"]) for request in requests}) > 1
        assert not np.allclose(answer(TEXTS)["probabilities"].sum(axis=1), 1.0, atol=0.1)
