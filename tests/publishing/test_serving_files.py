"""The configuration beside the models, parsed by what TensorFlow Serving parses it with."""

import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from pipeline.publishing import serving_ops
from pipeline.publishing.serving_files import IMAGE, versions, write_serving_files


@pytest.fixture
def models(tmp_path):
    for folder in ("a/1", "b/9", "b/10", "b/11", "b/12.unfinished", "b/13.failed", "empty"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def test_versions_are_numbers_and_finished(models):
    assert versions(models / "b") == [9, 10, 11]
    assert versions(models / "empty") == versions(models / "none") == []


def test_every_model_is_listed_with_labelled_versions(models):
    write_serving_files(models)
    server = model_server_config_pb2.ModelServerConfig()
    text_format.Parse((models / "models.config").read_text(), server)
    a, b = server.model_config_list.config
    assert (a.name, a.base_path, a.model_platform) == ("a", "/models/a", "tensorflow")
    assert dict(a.version_labels) == {"stable": 1}
    assert (b.name, dict(b.version_labels)) == ("b", {"stable": 11, "previous": 10})
    assert b.model_version_policy.latest.num_versions == 2


def test_the_other_files_parse_and_stay_as_the_user_changed_them(models):
    write_serving_files(models)
    compose = yaml.safe_load((models / "compose.yaml").read_text())["services"]["serving"]
    assert compose["image"] == IMAGE
    assert IMAGE.startswith(f"tensorflow/serving:{serving_ops.TARGET}.")
    for flag in compose["command"]:
        if "=/models/" in flag:
            assert (models / flag.split("=/models/")[1]).is_file()
    assert all(port.startswith("127.0.0.1:") for port in compose["ports"])
    (models / "batching.config").write_text("mine")
    write_serving_files(models)
    assert (models / "batching.config").read_text() == "mine"
