"""A model of the registry answers raw strings, in Python and from a real process of MLflow's."""

import os
import socket
import subprocess
import sys
import time

import httpx
import mlflow
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_text
from small_recipe import small_recipe

from pipeline import artifacts, tracking
from pipeline.tracking import registry
from pipeline.tracking.served_model import unpadded


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """A SavedModel on raw strings that needs tensorflow_text's ops."""

    class Counts(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
        def __call__(self, text):
            number = tensorflow_text.WhitespaceTokenizer().tokenize(text).row_lengths()
            return {"label": tf.where(number > 1, "länger", "kurz"), "score": number}

    return published(Counts(), tmp_path_factory.mktemp("export"))


def published(model, folder):
    with artifacts.publish(folder / "1", "0123456789abcdef", {}) as out:
        tf.saved_model.save(model, str(out), signatures={"serving_default": model.__call__})
    return folder / "1"


ANSWERS = [{"label": "länger", "score": 2}, {"label": "kurz", "score": 1}]


def test_the_registered_model_answers_raw_strings(recipe, prepared, tmp_path, export, capsys):
    with tracking.open_run(recipe, tmp_path / "run", prepared) as run:
        pass
    for _ in range(2):  # the second time it is there
        assert registry.log_model(recipe, tmp_path / "run", export) == "1"
    assert capsys.readouterr() == ("", "")  # MLflow's own lines would stand between ours
    assert mlflow.MlflowClient(run.uri).get_run(run.id).info.status == "FINISHED"
    model = mlflow.pyfunc.load_model("models:/tiny/1")
    texts = ["zwei Wörter", "ß"]
    of_tables = [
        {"text": texts},
        [{"text": text} for text in texts],
        pd.DataFrame({"id": ["one", "a b c"], "text": texts}),  # not its first column
    ]
    for asked in (texts, pd.Series(texts), *of_tables):
        assert model.predict(asked) == ANSWERS
    assert model.predict([]) == model.predict(pd.DataFrame({"text": []})) == []
    for wrong in (pd.DataFrame({"id": texts}), pd.DataFrame(texts), [{"texts": "a"}]):
        with pytest.raises(ValueError, match=r"reads \['text'\]: \['text'\] not in"):
            model.predict(wrong)
    with pytest.raises(ValueError, match="'text' of row 1 should be a string"):
        model.predict(["a", None])
    assert [(c.name, c.type.name) for c in model.metadata.get_input_schema()] == [
        ("text", "string")
    ]


@pytest.fixture(scope="module")
def pairs_export(tmp_path_factory):
    """How many bytes longer the second text is."""

    class Longer(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)] * 2)
        def __call__(self, text, second):
            return {"value": tf.strings.length(second) - tf.strings.length(text)}

    return published(Longer(), tmp_path_factory.mktemp("pairs"))


PAIRS = [{"text": "a", "second": "abc"}, {"second": "", "text": "abc"}]
PAIR_ANSWERS = [{"value": 2}, {"value": -3}]
PAIR_TASK = {"kind": "regress", "second": "other"}


def test_the_registered_model_of_pairs(mlflow_store, prepared, tmp_path, pairs_export):
    tracked = {"uri": mlflow_store, "experiment": "tracking-tests", "register_as": "pairs"}
    recipe = small_recipe(tmp_path, task=PAIR_TASK, tracking=tracked)
    with tracking.open_run(recipe, tmp_path / "run", prepared):
        pass
    registry.log_model(recipe, tmp_path / "run", pairs_export)
    model = mlflow.pyfunc.load_model("models:/pairs/1")
    for asked in (PAIRS, pd.DataFrame(PAIRS)[["second", "text"]]):
        assert model.predict(asked) == PAIR_ANSWERS
    assert model.predict([]) == []
    for wrong in ([{"text": "a"}], ["a"], pd.DataFrame({"text": ["a"]})):
        with pytest.raises(ValueError, match=r"\['second'\] not in \['text'\]"):
            model.predict(wrong)


def test_the_registered_tagger_answers_without_padding(mlflow_store, prepared, tmp_path):

    class Letters(tf.Module):
        """A word's tag is itself; each but an `a` is a span."""

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def __call__(self, text):
            words = tf.strings.split(text)
            begins = tf.ragged.range(words.row_lengths())
            spans = words != "a"
            found = {
                "words": words, "tags": words, "begins": begins, "ends": begins + 1,
                "scores": tf.ones_like(begins),
                "span_labels": tf.ragged.boolean_mask(words, spans),
                "span_begins": tf.ragged.boolean_mask(begins, spans),
                "span_ends": tf.ragged.boolean_mask(begins + 1, spans),
            }  # fmt: skip
            return {k: v.to_tensor("" if v.dtype == tf.string else -1) for k, v in found.items()}

    export = published(Letters(), tmp_path / "export")
    tracked = {"uri": mlflow_store, "experiment": "tracking-tests", "register_as": "letters"}
    recipe = small_recipe(tmp_path, tracking=tracked)
    with tracking.open_run(recipe, tmp_path / "run", prepared):
        pass
    registry.log_model(recipe, tmp_path / "run", export)
    first, none, last = mlflow.pyfunc.load_model("models:/letters/1").predict(["a b", "", "c a c"])
    assert (first["words"], first["span_labels"], first["span_begins"]) == (["a", "b"], ["b"], [1])
    assert set(map(len, none.values())) == {0}
    assert (last["ends"], last["span_ends"]) == ([1, 2, 3], [1, 3])


def test_a_text_has_the_labels_that_pass():
    row = {"label": "a", "labels": ["a", "b", ""], "scores": [0.9, 0.6, 0.0]}
    assert unpadded(row) == {"label": "a", "labels": ["a", "b"], "scores": [0.9, 0.6]}


def test_a_text_has_as_many_answers_as_masks():
    row = {"tokens": [["a", "b"], ["", ""]], "scores": [[0.5, 0.2], [0.0, 0.0]], "masks": 1}
    assert unpadded(row) == {"tokens": [["a", "b"]], "scores": [[0.5, 0.2]], "masks": 1}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "task", "asked", "answers"),
    [
        ("export", {"kind": "classify"}, ["zwei Wörter", "ß"], ANSWERS),
        ("pairs_export", PAIR_TASK, PAIRS, PAIR_ANSWERS),
    ],
)
def test_mlflow_serves_the_registered_model(
    mlflow_store, prepared, tmp_path, request, folder, task, asked, answers
):
    export = request.getfixturevalue(folder)
    tracked = {
        "uri": mlflow_store,
        "experiment": "tracking-tests",
        "register_as": f"served-{task['kind']}",
    }
    recipe = small_recipe(tmp_path, task=task, tracking=tracked)
    with tracking.open_run(recipe, tmp_path / "run", prepared):
        pass
    version = registry.log_model(recipe, tmp_path / "run", export)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    bin_folder = os.path.dirname(sys.executable)
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": mlflow_store,
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
    }
    command = [
        f"{bin_folder}/mlflow",
        "models",
        "serve",
        "--model-uri",
        f"models:/served-{task['kind']}/{version}",
    ]
    command += ["--env-manager", "local", "--port", str(port)]
    log = tmp_path / "serve.log"
    with (
        log.open("w") as out,
        subprocess.Popen(
            command, env=environment, stdout=out, stderr=out, start_new_session=True
        ) as process,
    ):
        try:
            url = f"http://127.0.0.1:{port}"
            answer = eventually(lambda: httpx.get(f"{url}/ping"), process, log)
            assert answer.status_code == 200
            answer = httpx.post(f"{url}/invocations", json={"inputs": asked}, timeout=60)
            assert answer.json()["predictions"] == answers, answer.text
        finally:
            os.killpg(process.pid, 15)


def eventually(ask, process, log, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            return ask()
        except httpx.TransportError:
            time.sleep(0.5)
    raise AssertionError(f"no answer from the server:\n{log.read_text()[-3000:]}")
