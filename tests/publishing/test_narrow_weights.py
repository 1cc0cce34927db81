"""Weights that are rounded once: where that is the same, and nowhere else."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_models import AWD_LSTM, BERT, CNN, LABELS, LSTM, small

from pipeline.publishing.language_signatures import language_servable
from pipeline.publishing.masked_signatures import masked_servable
from pipeline.publishing.narrow_weights import NarrowWeights, reading
from pipeline.publishing.signatures import servable

IDS = tf.constant([[2, 6, 7, 8, 3], [2, 9, 3, 0, 0]])
GPT = "{kind: gpt, layers: 2, width: 8, heads: 2, inner: 12, context: 24}"
ELMO = "{kind: elmo, units: 5, layers: 2, softmax: full}"
MODELS = {"bert": BERT, "lstm": LSTM, "cnn": CNN}
PRECISIONS = ("mixed_bfloat16", "mixed_float16")


def made(model, precision):
    """A classifier, what serves it, and its inputs."""
    settings = (f"train.precision={precision}",)
    _, tokenizer, built = small("{kind: classify}", MODELS[model], LABELS, *settings)
    served = servable(tokenizer, built, LABELS, "classify", 2)
    given = {name: IDS if name == "ids" else tf.zeros_like(IDS) for name in built.input}
    return built, served, given


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("model", MODELS)
def test_answers_are_the_same_to_the_last_bit(model, precision):
    built, served, given = made(model, precision)
    logits = tf.function(lambda x: built(x, training=False)["logits"])(given)
    np.testing.assert_array_equal(
        served.outputs(given)["probabilities"], tf.nn.softmax(tf.cast(logits, tf.float32))
    )


@pytest.mark.parametrize("precision", PRECISIONS)
def test_all_of_a_transformers_kernels_are_narrow_and_none_is_rounded_again(precision):
    built, served, _ = made("bert", precision)
    traced = served.outputs.get_concrete_function()
    assert not NarrowWeights(built.weights).of(traced)
    read = {id(outside) for outside, _ in traced.graph.captures}
    wide = {w.path for w in built.weights if id(w.value.handle) in read}
    kernels = {w.path for w in built.weights if len(w.shape) > 1 and "encoder" in w.path}
    assert len(kernels) == 8
    assert not wide & {*kernels, "pooler/kernel"}
    # What is exact: the vectors of tokens, and the scores.
    assert wide >= {"embeddings/table", "head/project/kernel", "head/project/bias"}


def test_they_are_saved_beside_the_weights(tmp_path):
    built, served, given = made("bert", "mixed_bfloat16")
    served.save(tmp_path)
    reader = tf.train.load_checkpoint(str(tmp_path / "variables" / "variables"))
    for place, weight in enumerate(built.weights):
        kept = reader.get_tensor(f"weights/{place}/.ATTRIBUTES/VARIABLE_VALUE")
        np.testing.assert_array_equal(kept, weight.numpy())
    loaded = tf.saved_model.load(str(tmp_path)).signatures["ids"](**given)
    np.testing.assert_array_equal(
        loaded["probabilities"], served.outputs(given)["probabilities"].numpy()
    )


@pytest.mark.parametrize("model", MODELS)
def test_float32_is_left_as_it_is(model):
    assert not made(model, "float32")[1].narrow.copies


def test_a_language_model_has_them_too():
    recipe, tokenizer, built = small(
        "{kind: language_model}", AWD_LSTM, [], "train.precision=mixed_bfloat16"
    )
    served = language_servable(tokenizer, built, recipe.task, False, 2)
    assert np.isfinite(served.functions["serving_default"](tf.constant(["my card"]))["loss"])


TEXTS = tf.constant(["my card", "", "where is the a a köln"])
HOW = (TEXTS, tf.constant([9, 3, 5]), tf.constant([0.0, 1.0, 0.7]), tf.constant([0, 0, 4]))
SIGNATURES = {
    "next": ("{kind: language_model}", GPT, (TEXTS,)),
    "generate": (
        "{kind: language_model}",
        GPT,
        (*HOW, tf.constant([1.0, 1.0, 0.9]), tf.constant([0, 1, 2])),
    ),
    "elmo": ("{kind: language_model}", ELMO, (TEXTS,)),
    "bert": ("{kind: masked_language_model}", BERT, (TEXTS,)),
}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("kind", SIGNATURES)
def test_other_signatures_read_them_and_answer_the_same(kind, precision):
    task, model, given = SIGNATURES[kind]
    recipe, tokenizer, built = small(task, model, [], f"train.precision={precision}")
    if kind == "bert":
        served = masked_servable(tokenizer, built, 2)
    else:
        served = language_servable(tokenizer, built, recipe.task, False, 2)
    function = served.functions["vectors" if kind in ("elmo", "bert") else kind]
    found = function(*given)
    python_function = function.python_function.__wrapped__
    exact = tf.function(python_function, input_signature=function.input_signature)
    for name, value in exact(*given).items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)

    outside = {id(handle) for handle, _ in function.get_concrete_function().graph.captures}
    wide = {w.path for w in built.weights if id(w.value.handle) in outside and len(w.shape) > 1}
    assert {path.partition("/")[0] for path in wide} <= {"embeddings", "spelling"}


def test_what_is_read_exactly_as_well_stays():
    rounded, both, exact = (
        keras.Variable(np.float32([0.1, 1 / 3]), name=name) for name in ("rounded", "both", "exact")
    )

    @tf.function
    def reads(x):
        narrow = [tf.cast(variable.value, tf.bfloat16) for variable in (rounded, both)]
        wide = [variable.value for variable in (both, exact)]
        return [x + value for value in wide], narrow

    traced = reads.get_concrete_function(tf.zeros([2]))
    ((weight, copy),) = NarrowWeights([rounded, both, exact]).of(traced)
    assert weight is rounded
    assert copy.dtype == tf.bfloat16
    copy.assign(tf.constant([2.0, 3.0], tf.bfloat16))
    with reading([(weight, copy)]):
        assert rounded.value.numpy().tolist() == [2.0, 3.0]
        assert both.value.numpy()[0] == np.float32(0.1)
