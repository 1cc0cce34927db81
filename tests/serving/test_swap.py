"""New versions under load: the newest whole one answers, and nobody notices the change."""

import shutil
import threading
import time
from contextlib import contextmanager

import pytest
import tensorflow as tf
from running_server import running
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigRequest
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog
from tiny_server import CONFIG, save

from pipeline import artifacts
from serving.client import GrpcClient, RestClient

CLIENTS = 6
MODELS = ("swapped", "mended", "warmed")


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """A server that looks for versions ten times a second, and its folder of models."""
    folder = tmp_path_factory.mktemp("followed")
    for model in MODELS:
        save(folder / "models" / model, 1)
    batching = folder / "batching.config"  # a version has requests waiting whenever it is retired
    batching.write_text("batch_timeout_micros { value: 20000 }")
    flags = ["--file_system_poll_wait_seconds=0.1", "--batching_parameters_file", batching]
    with running(folder, folder / "models", *flags) as server:
        yield server, folder / "models"


def states(server, model) -> dict[str, str]:
    # A model that was not seen yet has no status, but an error.
    entries = server.get(f"/v1/models/{model}").json().get("model_version_status", [])
    return {entry["version"]: entry["state"] for entry in entries}


def wait_for(server, model, **wanted) -> None:
    """`v2="AVAILABLE"`: until the versions are in these states."""
    deadline = time.monotonic() + 30
    while (
        not wanted.items() <= {f"v{v}": state for v, state in states(server, model).items()}.items()
    ):
        assert time.monotonic() < deadline, (states(server, model), server.log.read_text())
        time.sleep(0.05)


def wait_for_log(server, text) -> None:
    deadline = time.monotonic() + 30
    while text not in server.log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def load(server, model):
    """Clients that ask without a pause; yields the versions that answered, by client."""
    stop, seen, failures = threading.Event(), [[] for _ in range(CLIENTS)], []

    def ask(number):
        # No retries: a timeout this short leaves no time for a second attempt after a failure.
        kind, where = (RestClient, server.rest) if number % 2 else (GrpcClient, server.grpc)
        with kind(where, model) as client:
            client._timeout = 5
            while not stop.is_set():
                try:
                    label = client.predict([f"from {number}"])["label"][0]
                except Exception as error:
                    failures.append(error)
                    return
                seen[number].append(int(label[1 : label.index(" ")]))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures
    assert min(map(len, seen)) > 2


def break_variables(path):
    data = next((path / "variables").glob("*.data*"))
    data.write_bytes(data.read_bytes()[:100])


def test_versions_come_and_go_and_no_request_fails(followed):
    server, models = followed
    model_dir = models / "swapped"
    with load(server, "swapped") as seen:
        time.sleep(0.3)
        save(model_dir, 2)
        wait_for(server, "swapped", v2="AVAILABLE", v1="END")
        (model_dir / "3").mkdir()
        (model_dir / "3" / "saved_model.pb").write_bytes(b"not a graph")
        wait_for(server, "swapped", v3="END", v2="AVAILABLE")
        break_variables(save(models.parent / "elsewhere", 4))
        (models.parent / "elsewhere" / "4").rename(model_dir / "4")
        wait_for(server, "swapped", v4="END", v2="AVAILABLE")
        (model_dir / "5.unfinished").mkdir()
        save(model_dir, 6)
        wait_for(server, "swapped", v6="AVAILABLE", v2="END")
        time.sleep(0.3)
    for answered in seen:
        assert answered == sorted(answered)
        assert set(answered) == {1, 2, 6}
    status = server.get("/v1/models/swapped/versions/3").json()["model_version_status"][0]
    assert status["status"]["error_code"] != "OK"
    assert "saved_model.pb" in status["status"]["error_message"]


def test_a_version_that_is_taken_away_or_mended(followed):
    server, models = followed
    model_dir = models / "mended"
    save(model_dir, 2)
    wait_for(server, "mended", v2="AVAILABLE", v1="END")
    with load(server, "mended") as seen:
        shutil.rmtree(model_dir / "2")
        wait_for(server, "mended", v1="AVAILABLE", v2="END")
        (model_dir / "3").mkdir()
        (model_dir / "3" / "saved_model.pb").write_bytes(b"not a graph")
        wait_for(server, "mended", v3="END", v1="AVAILABLE")
        shutil.rmtree(model_dir / "3")
        save(model_dir, 3)
        wait_for(server, "mended", v3="AVAILABLE", v1="END")
    assert {version for answered in seen for version in answered} >= {2, 3}


def test_a_version_that_is_seen_half_copied_answers_once_it_is_whole(followed):
    server, models = followed
    whole, seen = save(models.parent / "elsewhere", 5), models / "mended" / "5"
    shutil.copytree(whole, seen, ignore=shutil.ignore_patterns("variables.data*"))
    wait_for(server, "mended", v5="END")
    time.sleep(0.3)  # some more looks at it
    assert states(server, "mended")["5"] == "END"
    data = next((whole / "variables").glob("*.data*"))
    shutil.copy(data, seen / "variables")  # the graph itself is not touched again
    wait_for(server, "mended", v5="AVAILABLE")


def test_a_version_whose_files_were_altered_is_not_served(followed):
    server, models = followed
    for version in (1, 2):
        path = save(models.parent / "elsewhere" / "altered", version)
        artifacts.seal(path, "mark", {})
        if version == 2:
            with (path / "fingerprint.pb").open("ab") as file:
                file.write(b"!")
        (models / "altered").mkdir(exist_ok=True)
        path.rename(models / "altered" / str(version))
        wait_for(server, "altered", **{f"v{version}": ("AVAILABLE", "END")[version - 1]})
    assert states(server, "altered")["1"] == "AVAILABLE"
    status = server.get("/v1/models/altered/versions/2").json()["model_version_status"][0]
    assert status["status"]["error_code"] == "DATA_LOSS"
    assert "fingerprint.pb is not what its manifest says" in status["status"]["error_message"]


def test_models_come_and_go(followed):
    server, models = followed

    def ask():
        return server.post("new:predict", json={"instances": ["a"]})

    def wait_until(status):
        deadline = time.monotonic() + 30
        while ask().status_code != status:
            assert time.monotonic() < deadline, server.log.read_text()
            time.sleep(0.05)

    assert ask().status_code == 404
    save(models.parent / "elsewhere" / "new", 1)
    (models.parent / "elsewhere" / "new").rename(models / "new")
    wait_until(200)
    shutil.rmtree(models / "new")
    wait_until(404)
    wait_for(server, "new", v1="END")
    assert states(server, "swapped")  # the others are served as before


def test_warm_up_requests_run_before_a_version_answers(followed):
    server, models = followed
    model_dir = models / "warmed"
    # One after the other: of two that come together, the server loads the later one only.
    for version, model_input, state in ((2, "text", "AVAILABLE"), (3, "no such input", "END")):
        path = save(models.parent / "elsewhere", version)
        (path / "assets.extra").mkdir()
        warm_up = PredictRequest()
        warm_up.inputs[model_input].CopyFrom(tf.make_tensor_proto(["warm"]))
        log = PredictionLog()
        log.predict_log.request.CopyFrom(warm_up)
        file = str(path / "assets.extra" / "tf_serving_warmup_requests")
        with tf.io.TFRecordWriter(file) as writer:
            writer.write(log.SerializeToString())
        path.rename(model_dir / str(version))
        wait_for(server, "warmed", **{f"v{version}": state})
    assert states(server, "warmed")["2"] == "AVAILABLE"
    assert "version 2 available" in server.log.read_text()
    assert "1 warm-up requests" in server.log.read_text()


def test_models_can_be_changed_while_serving(followed):
    server, models = followed
    save(models.parent / "added", 1)

    def reload(*folders):
        request = ReloadConfigRequest()
        config = request.config.model_config_list.config
        for folder in folders:
            config.add(name=folder.name, base_path=str(folder), model_platform="tensorflow")
        server.models().HandleReloadConfigRequest(request, timeout=30)

    before = [models / name for name in MODELS]
    reload(*before, models.parent / "added")
    with RestClient(server.rest, "added") as client:
        assert client.predict(["a"])["label"][0].startswith("v1 ")
    reload(*before)
    wait_for(server, "added", v1="END")
    assert server.post("added:predict", json={"instances": ["a"]}).status_code == 404


def test_the_config_file_is_read_again(server):
    config = server.log.parent / "models.config"
    assert server.post("both/labels/newer:predict", json={"instances": ["a"]}).status_code == 400
    label = 'version_labels { key: "stable" value: 1 }'
    with_another = f'{label} version_labels {{ key: "newer" value: 2 }}'
    broken = {b"broken": "models.config:1", b"model_config_list {\n \xe9": "models.config:2"}
    for content, place in broken.items():
        config.write_bytes(content)
        wait_for_log(server, place)
    time.sleep(0.5)  # some more readings
    assert server.post("both/labels/stable:predict", json={"instances": ["a"]}).status_code == 200
    config.write_text(CONFIG.replace(label, with_another))
    deadline = time.monotonic() + 20
    while server.post("both/labels/newer:predict", json={"instances": ["a"]}).status_code != 200:
        assert time.monotonic() < deadline
    # Each mistake is said once, however often the file is read.
    assert server.log.read_text().count("the models stay as they are") == len(broken)
