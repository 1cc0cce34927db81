"""The sizes told without TensorFlow are those of the model that Keras builds."""

import numpy as np
import pytest

from configs import estimate, loading

RECIPE = """
name: small
data: {train: train.csv}
task: {kind: classify}
model: {kind: text_cnn, embedding: {width: 7}, filters: 4}
text: {max_length: 10}
"""
SETTINGS = [
    [],
    ["model.embedding={kind: static, width: 7, path: none}", "train.ema=0.9"],
    ["model.embedding={kind: multichannel, width: 7, path: none}"],
    ["model.pooling=kmax", "model.k=3", "model.widths=[2, 7]"],
    ["model={kind: gru, units: 6, embedding: {width: 7}, pooling: concat}"],
    ["model={kind: awd_lstm, width: 7, units: 6, head: {width: 5}}", "train.ema=0.9"],
    ["model={kind: bert, layers: 2, width: 8, heads: 2, positions: 30}"],
    [
        "model={kind: bert, size: tiny, pooling: {kind: self_attentive}, inner: 9}",
        "task={kind: regress, second: b}",
    ],
    ["model={kind: bert, width: 64}", "task={kind: tag, decoder: crf}"],
    ["model={kind: gpt, size: tiny, context: 12}"],
    ["model={kind: gpt, width: 64, layout: gpt2, auxiliary: 0, inner: 9}"],
    ["train.optimizer={kind: sgd}"],
    ["train.optimizer={kind: sgd, momentum: 0.9}", "train.ema=0.9"],
    ["train.optimizer={kind: adadelta}", "train.averaging={patience: 2}"],
]


@pytest.mark.parametrize("overrides", SETTINGS, ids=str)
def test_sizes_are_those_of_the_built_model(overrides):
    from pipeline.build import build_model, build_optimizer

    recipe = loading.parse(RECIPE, overrides)
    model = build_model(recipe, [f"word {i}" for i in range(50)], 3)
    optimizer = build_optimizer(recipe.train, 10, [model.trainable_variables])

    sizes = estimate.parameters(recipe, vocabulary=50, outputs=3)
    assert sizes == {layer: model.get_layer(layer).count_params() for layer in sizes}
    assert sum(sizes.values()) == model.count_params()

    gradients = sum(np.prod(v.shape) for v in model.trainable_variables)
    if recipe.train.ema or recipe.train.averaging:
        gradients *= 2  # and averages
    # A number for a variable, such as where its steps begin, is beneath an estimate.
    floats = [v.shape for v in optimizer.variables if "float" in v.dtype]
    slots = sum(np.prod(shape) for shape in floats if len(shape))
    assert estimate.state_bytes(recipe, sizes) == 4 * (model.count_params() + gradients + slots)


AWD = "kind: awd_lstm, width: 7, units: 6, samples: 5"


@pytest.mark.parametrize(
    "overrides",
    [
        [f"model={{{AWD}, layers: 3}}"],
        [f"model={{{AWD}, layers: 1, tied: false}}"],
        [f"model={{{AWD}, softmax: sampled, tied: false}}", "train.optimizer={kind: sgd}"],
        [f"model={{{AWD}, softmax: adaptive, cutoffs: [10, 30, 90]}}"],
        [f"model={{{AWD}, softmax: adaptive, cutoffs: [10, 30], tied: false}}"],
        [f"model={{{AWD}, softmax: adaptive, cutoffs: [50]}}"],
        ["model={kind: gpt, width: 8, context: 20, layout: gpt2}"],
        ["model={kind: gpt, width: 8, tied: false, softmax: adaptive, cutoffs: [10, 30]}"],
    ],
    ids=str,
)
def test_sizes_of_language_models(overrides):
    test_sizes_are_those_of_the_built_model(["task={kind: language_model}", *overrides])


@pytest.mark.parametrize("pairs", ["next", "none"])
def test_sizes_of_masked_language_models(pairs):
    task = f"task={{kind: masked_language_model, pairs: {pairs}}}"
    model = "model={kind: bert, layers: 2, width: 8, heads: 2, positions: 20}"
    test_sizes_are_those_of_the_built_model([task, model])


def test_activations_follow_the_batch():
    def size(*overrides):
        return estimate.activation_bytes(loading.parse(RECIPE, overrides))

    assert size("train.batch_size=32") == size() // 2
    assert size("train.batch_size=null", "train.batch_tokens=640") == size()
    assert size("train.accumulation=4") == size() // 4
    assert size("train.precision=mixed_bfloat16") == size() // 2


def test_activations_of_a_long_text_are_those_of_a_chunk():
    def size(*overrides):
        return estimate.activation_bytes(loading.parse(RECIPE, [f"model={{{AWD}}}", *overrides]))

    def layers(length):
        vectors = 4 * 64 * length * 4 * 7
        return size("train.window=10", f"text.max_length={length}") - vectors

    assert layers(20) == pytest.approx(layers(10))
    assert layers(1000) == pytest.approx(layers(10), rel=0.02)
    assert size("train.window=5") < size("train.window=10") == size()


def test_activations_of_a_language_model_follow_the_window():
    def size(*overrides):
        awd = f"model={{{AWD}}}"
        recipe = loading.parse(RECIPE, [awd, "task={kind: language_model}", *overrides])
        return estimate.activation_bytes(recipe)

    assert size("train.window=35") == size() // 2
    assert size("text.max_length=20") == size()
    assert size("model.softmax=sampled") < size() / 10
