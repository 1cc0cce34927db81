"""What of an earlier run's weights a new model starts with, weight by weight, in every family."""

import json

import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import load_file, save_file

from configs import loading
from pipeline import artifacts, build, initial_weights
from pipeline.errors import JobError
from pipeline.finding_runs import TRAINING, WEIGHTS
from pipeline.text.special import SPECIAL
from pipeline.text.tokenizers import Tokenizer
from pipeline.text.vocabulary import from_tokens
from pipeline.training import checkpoints

OLD, NEW = [*SPECIAL, *"abcdefgh"], [*SPECIAL, *"hxcya"]
COUNTS = np.array([0, 5, 9, 9, 0, 10, 40, 20, 15, 10])  # of h x c y a, and 5 unknown words
TEXT_CNN = "{kind: text_cnn, embedding: {width: 6}, filters: 4}"
LSTM = "{kind: lstm, embedding: {width: 6}, units: 5}"
ELMO = "{kind: elmo, characters: {width: 3, filters: [[1, 4]], projection: 5}, units: 6}"
AWD = "{kind: awd_lstm, width: 5, units: 6, layers: 2, tied: false%s}"
CLASSIFY, LANGUAGE = "{kind: classify}", "{kind: language_model}"


def recipe(model, task, *settings):
    text = f"{{name: x, data: {{train: a}}, task: {task}, model: {model}}}"
    return loading.parse(text, list(settings))


def built(chosen, words, labels):
    """Its model, every weight of which has numbers of its own."""
    model = build.build_model(chosen, words, max(1, len(labels)))
    random = tf.random.Generator.from_seed(7)
    for weight in model.weights:
        weight.assign(random.normal(weight.shape))
    return model


@pytest.fixture
def earlier(tmp_path):
    """A maker of the folder that a run leaves; returns it and the weights in it."""

    def make(model, task=CLASSIFY, words=OLD, labels=("x", "y")):
        chosen, run, data = recipe(model, task), tmp_path / "runs" / "old-0123abcd", tmp_path / "d"
        weights = checkpoints.arrays(checkpoints.by_path(built(chosen, words, labels).weights))
        with artifacts.publish(data, "data", {}) as folder:
            Tokenizer(chosen.text, from_tokens(words)).save(folder / "tokenizer")
            artifacts.write_json(folder / "labels.json", list(labels))
        with artifacts.publish(run / TRAINING, "run", {"prepared": str(data)}) as folder:
            save_file(weights, folder / WEIGHTS)
            (folder / "recipe.yaml").write_text(loading.dump(chosen), encoding="utf-8")
        return run, weights

    return make


def start(run, model, task=CLASSIFY, *settings, words=NEW, labels=("x", "z")):
    """The weights of a new model before and after, and what was told."""
    chosen = recipe(model, task, f"init_from={run}", *settings)
    new = build.build_model(chosen, words, max(1, len(labels)))
    variables = checkpoints.by_path(new.weights)
    before = checkpoints.arrays(variables)
    counts = COUNTS if words is NEW else np.ones(len(words))
    told = initial_weights.start(new, chosen, words, list(labels), counts)
    return before, checkpoints.arrays(variables), told


def by_word(value, first=0):
    """The rows of NEW's words, counted from `first` on in both vocabularies."""
    rows = dict(zip(OLD[first:], value, strict=False))
    return np.stack([rows.get(word, value.mean(axis=0)) for word in NEW[first:]])


def check(before, after, expected):
    for path, value in after.items():
        np.testing.assert_array_equal(value, expected.get(path, before[path]), err_msg=path)


def test_words_go_over_by_their_spelling_and_labels_that_differ_do_not(earlier):
    run, old = earlier(TEXT_CNN)
    before, after, told = start(run, TEXT_CNN)
    table = "embeddings/trained/embeddings"
    moved = {path: value for path, value in old.items() if not path.startswith("head")}
    check(before, after, moved | {table: by_word(old[table])})
    assert told == {
        "init_from": str(run),
        "init_from.new": "head",
        "init_from.vocabulary": "3 of 5 words, 40.0% of the running words",
    }


@pytest.mark.parametrize(
    ("model", "task"),
    [(TEXT_CNN, CLASSIFY), (LSTM, CLASSIFY), (LSTM, "{kind: tag, decoder: crf}")],
)
def test_with_the_same_words_and_labels_all_goes_over(earlier, model, task):
    run, old = earlier(model, task)
    before, after, told = start(run, model, task, words=OLD, labels=("x", "y"))
    check(before, after, old)
    assert told["init_from.new"] == "none"


def test_the_softmax_of_an_elmo_goes_word_by_word(earlier):
    run, old = earlier(ELMO, LANGUAGE, labels=())
    before, after, _ = start(run, ELMO, LANGUAGE, labels=())
    rows = {path: by_word(old[path]) for path in ("softmax/kernel", "softmax/bias")}
    check(before, after, old | rows)


def test_a_classifier_starts_from_a_language_model(earlier):
    run, old = earlier(AWD % "", LANGUAGE, labels=())
    before, after, told = start(run, AWD % "")
    moved = {path: value for path, value in old.items() if path.startswith("encoder")}
    assert len(moved) == 6
    check(before, after, moved | {"embeddings/table": by_word(old["embeddings/table"])})
    assert told["init_from.new"] == "head"


def test_clusters_of_a_softmax_keep_the_words_that_stay_in_them(earlier):
    adaptive = AWD % ", softmax: adaptive, cutoffs: [6, 8]"
    run, old = earlier(adaptive, LANGUAGE, labels=())
    _, after, _ = start(run, adaptive, LANGUAGE, labels=())
    np.testing.assert_array_equal(after["softmax/bias"], by_word(old["softmax/bias"]))
    # a is in the head; b c in the first cluster, d to h in the second; then h, x c, and y a.
    head, first, second = (old[f"softmax/kernel{n}"] for n in ("", "_1", "_2"))
    new = [head.mean(axis=0), first.mean(axis=0), first[1], *[second.mean(axis=0)] * 2]
    found = [after["softmax/kernel"][5], *after["softmax/kernel_1"], *after["softmax/kernel_2"]]
    for got, expected in zip(found, new, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-6)
    np.testing.assert_array_equal(after["softmax/projection_1"], old["softmax/projection_1"])


@pytest.mark.parametrize("kind", ["static", "nonstatic", "multichannel"])
def test_beside_ready_vectors_it_wins_for_the_words_that_it_knows_and_trains(earlier, kind):
    model = json.dumps(
        {"kind": "text_cnn", "filters": 4, "embedding": {"kind": kind, "width": 6, "path": "v"}}
    )
    run, old = earlier(model)
    before, after, _ = start(run, model)
    moved = {path: value for path, value in old.items() if path.startswith("features")}
    trained = "embeddings/trained/embeddings"
    if kind != "static":
        known = np.isin(NEW, OLD)[:, None]
        moved[trained] = np.where(known, by_word(old[trained]), before[trained])
    check(before, after, moved)


def test_another_shape_is_told_with_what_the_recipes_say(earlier):
    run, _ = earlier(LSTM)
    message = (
        r"layer 'encoder' does not fit: encoder/\S+ has shape \(6, 16\) here and \(6, 20\) in .*"
        r"the recipes differ in model\.units \(5 there\)"
    )
    with pytest.raises(JobError, match=message):
        start(run, LSTM.replace("units: 5", "units: 4"))


def test_nothing_in_common_is_refused(earlier):
    run, _ = earlier(ELMO, LANGUAGE, labels=())
    message = r"no weights for this model: it is of kind elmo with .*, this is of kind text_cnn"
    with pytest.raises(JobError, match=message):
        start(run, TEXT_CNN)


def test_more_layers_than_before_are_named(earlier):
    run, _ = earlier(LSTM)
    *_, told = start(run, LSTM.replace("units: 5", "units: 5, layers: 2"), words=OLD)
    new = told["init_from.new"].split(", ")
    assert new[-1] == "head"
    assert all(path.startswith("encoder/") and "_1/" in path for path in new[:-1])


def test_damaged_weights_are_refused(earlier):
    run, _ = earlier(TEXT_CNN)
    weights = load_file(run / TRAINING / WEIGHTS)
    save_file({path: value + 1 for path, value in weights.items()}, run / TRAINING / WEIGHTS)
    with pytest.raises(JobError, match="is not what its manifest says"):
        start(run, TEXT_CNN)
