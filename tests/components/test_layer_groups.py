"""The groups of real models, as recipes build them: every weight once, from bottom to top."""

import json

import language_model_kinds
import pytest
from test_build_families import FIXTURE, SMALL, VOCABULARY, recipe

from components.layer_groups import layer_groups
from pipeline import build, pretrained_elmo

SPELLED = "model.embedding.characters={width: 4, filters: [[2, 3]]}"
AWD = "{kind: awd_lstm, width: 6, units: 5, layers: 3%s}"
LANGUAGE = "{kind: language_model}"


def name(variable):
    """Its layer, and of an encoder which one of its layers."""
    layer, *inside = variable.path.split("/")
    return f"{layer}/{inside[0]}" if layer == "encoder" else layer


def names(groups):
    return [sorted({name(variable) for variable in group}) for group in groups]


def check(model, expected):
    groups = layer_groups(model)
    assert names(groups) == expected
    grouped = [id(variable) for group in groups for variable in group]
    assert sorted(grouped) == sorted(id(variable) for variable in model.trainable_variables)


CNN = ["features"]
BOTH = [[f"encoder/{way}_{n}" for way in ("backward", "forward")] for n in range(2)]


@pytest.mark.parametrize(
    ("model", "task", "settings", "expected"),
    [
        ("text_cnn", "{kind: classify}", [], [["embeddings"], CNN, ["head"]]),
        ("text_cnn", "{kind: classify}", ["train.xla=true"], [["embeddings"], CNN, ["head"]]),
        ("text_cnn", "{kind: regress}", [SPELLED], [["embeddings", "spelling"], CNN, ["head"]]),
        ("rnn", "{kind: classify}", [], [["embeddings"], ["encoder/layer_0"], ["head"]]),
        ("gru", "{kind: classify}", [], [["embeddings"], BOTH[0], ["head"]]),
        ("lstm", "{kind: multilabel}", [], [["embeddings"], *BOTH, ["head"]]),
        (
            "lstm",
            "{kind: classify}",
            ["model.pooling.kind=attention"],
            [["embeddings"], *BOTH, ["head", "pooling"]],
        ),
        ("lstm", "{kind: tag, decoder: crf}", [], [["embeddings"], *BOTH, ["head"]]),
        (
            "lstm",
            "{kind: classify, second: b}",
            ["model.pairs.compare=attention"],
            [["embeddings"], *BOTH, ["cross", "head"]],
        ),
    ],
)
def test_families(model, task, settings, expected):
    check(build.build_model(recipe(SMALL[model], task, *settings), VOCABULARY, 3), expected)


def test_a_language_model_in_both_directions():
    check(language_model_kinds.model(), [["spelling"], *BOTH, ["softmax"]])


@pytest.mark.parametrize("tied", [True, False])
def test_the_table_of_a_tied_softmax_is_the_softmax(tied):
    model = build.build_model(recipe(AWD % f", tied: {str(tied).lower()}", LANGUAGE), VOCABULARY, 1)
    layers = [[f"encoder/layer_{n}"] for n in range(3)]
    check(
        model,
        [*layers, ["embeddings", "softmax"]] if tied else [["embeddings"], *layers, ["softmax"]],
    )


def test_ulmfits_classifier():
    model = build.build_model(recipe(AWD % "", "{kind: classify}"), VOCABULARY, 3)
    check(model, [["embeddings"], *[[f"encoder/layer_{n}"] for n in range(3)], ["head"]])


@pytest.mark.parametrize("mode", ["frozen", "cached", "fine_tuned"])
def test_contextual_vectors_belong_to_the_words(mode):
    if not FIXTURE.is_dir():
        pytest.skip(f"no ELMo fixture in {FIXTURE}: set TEXTMILL_DATA")
    elmo = json.dumps({"path": str(FIXTURE), "mode": mode})
    chosen = recipe(SMALL["gru"], "{kind: classify}", f"model.embedding.elmo={elmo}")
    model = build.build_model(chosen, VOCABULARY, 3, pretrained_elmo.read(FIXTURE))
    groups = layer_groups(model)
    lowest = {v.path.split("/")[0] for v in groups[0]}
    trained = {"embeddings", "elmo_mix"}
    assert lowest == trained | (
        {"elmo_encoder", "elmo_spelling"} if mode == "fine_tuned" else set()
    )
    assert names(groups)[1:] == [BOTH[0], ["head"]]


def test_frozen_weights_are_in_no_group():
    chosen = recipe("{kind: text_cnn, embedding: {kind: static, width: 6, path: x}, filters: 5}")
    model = build.build_model(chosen, VOCABULARY, 3)
    check(model, [CNN, ["head"]])
