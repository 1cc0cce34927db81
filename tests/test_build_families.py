"""Every family for every task that it does: from a recipe, blind to padding, with gradients."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from configs import loading
from pipeline import build, pretrained_elmo, tasks
from pipeline.data import NO_TAG

DATA = Path(os.environ.get("TEXTMILL_DATA", Path(__file__).parents[2] / "shared" / "data"))
FIXTURE = DATA / "elmo_fixtures" / "allennlp"
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefgh"]
LENGTHS = [5, 1, 0, 3]
SMALL = {
    "text_cnn": "{kind: text_cnn, embedding: {width: 6}, filters: 5}",
    "rnn": "{kind: rnn, embedding: {width: 6}, units: 5, bidirectional: false}",
    "lstm": "{kind: lstm, embedding: {width: 6}, units: 5, layers: 2, residual: true}",
    "gru": "{kind: gru, embedding: {width: 6}, units: 5}",
    "awd_lstm": "{kind: awd_lstm, width: 6, units: 5, layers: 2}",
    "bert": "{kind: bert, layers: 2, width: 8, heads: 2, head_dropout: 0.3}",
}
POOLINGS = [
    *({"kind": kind} for kind in ("last", "max", "mean", "concat")),
    *({"kind": "attention", "score": score} for score in ("dot", "general", "additive")),
    {"kind": "attention", "score": "location", "query": "last"},
    {"kind": "attention", "hard": True},
    {"kind": "self_attentive", "hops": 3, "penalty": 0.1},
]


def recipe(model, task="{kind: classify}", *settings):
    text = f"{{name: x, data: {{train: a}}, task: {task}, model: {model}}}"
    return loading.parse(text, list(settings))


def values(model, length=6, **lengths):
    """Random inputs of LENGTHS tokens, padded to `length`; the same tokens whatever the length."""
    made = {}
    for name, tensor in model.input.items():
        random = np.random.default_rng(len(name))
        shape = tensor.shape[2:]
        made[name] = np.zeros((len(LENGTHS), length, *shape), np.int32)
        for row, number in enumerate(LENGTHS):
            if name == "starts":
                made[name][row, : (number + 1) // 2] = np.arange(1, number + 1, 2)
            elif name == "types":
                made[name][row, number // 2 : number] = 1
            elif shape:
                made[name][row, :number] = random.integers(1, 250, (number, *shape))
            else:
                made[name][row, :number] = random.integers(5, len(VOCABULARY), number)
    return made


def check_padding(model):
    """A row's answers are the same in a wider batch and alone."""
    whole = model(values(model))
    wide = model(values(model, length=11))
    for name in ("logits", "attention"):
        if name not in whole:
            continue
        for row, length in enumerate(LENGTHS):
            alone = {k: v[row : row + 1, : max(length, 1)] for k, v in values(model).items()}
            answer = np.asarray(whole[name][row])
            if answer.ndim == 2 and name == "logits":  # a score for each word
                answer = answer[:length]
            elif answer.ndim == 2:
                answer = answer[:, :length]
            cut = tuple(slice(0, size) for size in answer.shape)
            assert np.asarray(wide[name][row])[cut] == pytest.approx(answer, abs=1e-5)
            assert np.asarray(model(alone)[name][0])[cut] == pytest.approx(answer, abs=1e-5)


def check_gradients(model, task, labels):
    """Every weight that trains has a finite gradient, and the loss of each row is finite."""
    loss = tasks.loss_function(task)
    with tf.GradientTape() as tape:
        outputs = model(values(model), training=True)
        each = loss(outputs, {"label": tf.constant(labels)})
        total = tf.reduce_sum(each + outputs.get("penalty", 0.0))
        if "log_probability" in outputs:
            total += tf.reduce_sum(outputs["log_probability"] * tf.stop_gradient(each))
    assert each.shape == (len(LENGTHS),)
    assert np.isfinite(each).all()
    gradients = tape.gradient(total, [v.value for v in model.trainable_variables])
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path
        assert np.isfinite(tf.convert_to_tensor(gradient)).all(), variable.path


@pytest.mark.parametrize("kind", SMALL)
def test_a_text(kind):
    chosen = recipe(SMALL[kind])
    model = build.build_model(chosen, VOCABULARY, 3)
    check_padding(model)
    check_gradients(model, chosen.task, np.array([0, 1, 2, 0]))


@pytest.mark.parametrize("pooling", POOLINGS, ids=str)
@pytest.mark.parametrize("kind", ["lstm", "bert"])
def test_a_text_pooled(kind, pooling):
    chosen = recipe(SMALL[kind], "{kind: regress}", f"model.pooling={json.dumps(pooling)}")
    model = build.build_model(chosen, VOCABULARY, 1)
    check_padding(model)
    check_gradients(model, chosen.task, np.array([0.5, 1, 2, 0], np.float32))


@pytest.mark.parametrize("compare", ["features", "attention"])
@pytest.mark.parametrize("kind", ["text_cnn", "gru"])
def test_a_pair(kind, compare):
    chosen = recipe(
        SMALL[kind], "{kind: classify, second: other}", f"model.pairs.compare={compare}"
    )
    model = build.build_model(chosen, VOCABULARY, 3)
    assert set(model.input) == {"ids", "second_ids"}
    check_padding(model)
    check_gradients(model, chosen.task, np.array([0, 1, 2, 0]))


@pytest.mark.parametrize("decoder", ["softmax", "crf"])
def test_words_of_a_sequence(decoder):
    chosen = recipe(SMALL["bert"], f"{{kind: tag, decoder: {decoder}}}")
    model = build.build_model(chosen, VOCABULARY, 4)
    assert list(model.input) == ["ids", "types", "starts"]
    check_padding(model)
    words = values(model)["starts"]
    check_gradients(model, chosen.task, np.where(words > 0, words % 4, NO_TAG))


def test_a_sequence_of_two_texts():
    chosen = recipe(SMALL["bert"], "{kind: classify, second: other}", "model.pooling=mean")
    model = build.build_model(chosen, VOCABULARY, 3)
    assert list(model.input) == ["ids", "types"]
    given = values(model)
    one = model({**given, "types": np.zeros_like(given["types"])})["logits"]
    assert np.abs(model(given)["logits"] - one)[0].max() > 1e-3  # which text a token is of


@pytest.mark.parametrize("decoder", ["softmax", "crf"])
@pytest.mark.parametrize("tokenizer", ["word", "wordpiece"])
def test_words(decoder, tokenizer):
    chosen = recipe(
        SMALL["lstm"],
        f"{{kind: tag, decoder: {decoder}}}",
        f"text.tokenizer.kind={tokenizer}",
    )
    model = build.build_model(chosen, VOCABULARY, 4)
    assert set(model.input) == {"ids"} | ({"starts"} if tokenizer == "wordpiece" else set())
    check_padding(model)
    words = values(model)[list(model.input)[-1]]
    check_gradients(model, chosen.task, np.where(words > 0, words % 4, NO_TAG))


@pytest.mark.parametrize("kind", ["text_cnn", "lstm"])
def test_characters(kind):
    spelled = "model.embedding.characters={width: 4, filters: [[2, 3]]}"
    chosen = recipe(SMALL[kind], "{kind: classify}", spelled)
    model = build.build_model(chosen, VOCABULARY, 3)
    assert set(model.input) == {"ids", "characters"}
    check_padding(model)
    check_gradients(model, chosen.task, np.array([0, 1, 2, 0]))


@pytest.mark.parametrize("mode", ["frozen", "fine_tuned"])
def test_contextual_vectors(mode):
    if not FIXTURE.is_dir():
        pytest.skip(f"no ELMo fixture in {FIXTURE}: set TEXTMILL_DATA")
    elmo = json.dumps({"path": str(FIXTURE), "mode": mode})
    chosen = recipe(SMALL["lstm"], "{kind: classify}", f"model.embedding.elmo={elmo}")
    pretrained = pretrained_elmo.read(FIXTURE)
    model = build.build_model(chosen, VOCABULARY, 3, pretrained)
    build.start_from_elmo(model, pretrained)
    kernel = model.get_layer("elmo_encoder").forward[0][1].kernel
    np.testing.assert_array_equal(kernel, pretrained.encoder_weights["forward_0/kernel"])
    check_padding(model)
    check_gradients(model, chosen.task, np.array([0, 1, 2, 0]))
    trained = {v.path.split("/")[0] for v in model.trainable_variables}
    assert ("elmo_encoder" in trained) == ("elmo_spelling" in trained) == (mode == "fine_tuned")
    assert "elmo_mix" in trained


def language_model(*settings):
    model = "{kind: awd_lstm, width: 6, units: 5, layers: 2, samples: 4, cutoffs: [5, 9]}"
    return build.build_model(
        recipe(model, "{kind: language_model}", *settings), VOCABULARY, len(VOCABULARY)
    )


@pytest.mark.parametrize("tied", [False, True], ids=["free", "tied"])
@pytest.mark.parametrize(
    ("softmax", "kind"),
    [("full", "FullSoftmax"), ("adaptive", "AdaptiveSoftmax"), ("sampled", "SampledSoftmax")],
)
def test_running_text(softmax, kind, tied):
    model = language_model(f"model.softmax={softmax}", f"model.tied={json.dumps(tied)}")
    layer = model.get_layer("softmax")
    assert type(layer).__name__ == kind
    assert layer.tied == tied

    def answers(length, rows=slice(None), **options):
        made = values(model, length)
        made["fresh"] = np.zeros((len(LENGTHS), length), bool)
        made |= {
            name: np.zeros((len(LENGTHS), tensor.shape[-1]), np.float32)
            for name, tensor in model.input.items()
            if name.startswith("state_")
        }
        return model({name: value[rows] for name, value in made.items()}, **options)

    whole, wide = answers(6), answers(11)
    for row, length in enumerate(LENGTHS):
        alone = answers(6, slice(row, row + 1))
        for name in ("losses", "hidden", "penalty", "state_3"):
            real = slice(length) if name in ("losses", "hidden") else ...
            expected = np.asarray(whole[name][row])[real]
            for found in (wide[name][row], alone[name][0]):
                assert np.asarray(found)[real] == pytest.approx(expected, abs=1e-5), name
    with tf.GradientTape() as tape:
        outputs = answers(6, training=True)
        total = tf.reduce_sum(outputs["losses"]) + tf.reduce_sum(outputs["penalty"])
    gradients = tape.gradient(total, [v.value for v in model.trainable_variables])
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path
        assert np.isfinite(tf.convert_to_tensor(gradient)).all(), variable.path


def test_small_vocabularies_need_no_sample_and_no_clusters():
    for setting in (
        "model={softmax: sampled, samples: 13}",
        "model={softmax: adaptive, cutoffs: [13]}",
    ):
        chosen = setting.replace("{", "{kind: awd_lstm, width: 6, units: 5, ")
        assert type(language_model(chosen).get_layer("softmax")).__name__ == "FullSoftmax"


def test_scaled_dropouts_reach_their_layers():
    model = language_model("model.dropouts={words: 0.1, input: 0.2, scale: 0.5}")
    encoder = model.get_layer("encoder")
    assert model.get_layer("embeddings").dropout == 0.05
    assert model.get_layer("drop").rate == 0.2
    rates = encoder.input_dropout, encoder.hidden_dropout, encoder.weight_dropout
    assert rates == (0.1, 0.15, 0.25)


def test_dropouts_scaled_to_all_are_refused():
    with pytest.raises(loading.RecipeError, match=r"scale 2.0 makes weights a rate of 1;"):
        language_model("model.dropouts.scale=2.0")


@pytest.mark.parametrize("kind", ["lstm", "awd_lstm"])
def test_no_two_weights_share_a_path(kind):
    if kind == "awd_lstm":
        model = language_model()
    else:
        model = build.build_model(recipe(SMALL["lstm"]), VOCABULARY, 3)
    paths = [v.path for v in model.weights]
    assert len(set(paths)) == len(paths)
