"""TF Serving's configuration files and the command line, without a server."""

import shutil

import pytest
import yaml
from tensorflow_serving.config.file_system_storage_path_source_pb2 import (
    FileSystemStoragePathSourceConfig,
)

from pipeline.errors import JobError
from pipeline.publishing.serving_files import write_serving_files
from serving.arguments import parse
from serving.base_path import choose, scan
from serving.batching import Batching
from serving.model_list import Folder, models_at
from serving.settings import read_batching, read_metrics_path, read_models

Policy = FileSystemStoragePathSourceConfig.ServableVersionPolicy


@pytest.fixture
def models(tmp_path):
    """Models `a` (1) and `b` (2, 10, and two unfinished ones), with the files of an export."""
    for version in ("a/1", "b/2", "b/10", "b/11.unfinished", "b/12.failed"):
        (tmp_path / version).mkdir(parents=True)
        (tmp_path / version / "saved_model.pb").touch()
    write_serving_files(tmp_path)
    return tmp_path


def test_what_an_export_writes_is_read(models):
    """With the flags that its compose file gives to TF Serving."""
    compose = yaml.safe_load((models / "compose.yaml").read_text())
    flags = compose["services"]["serving"]["command"]
    here = [flag.replace("=/models/", f"={models}/") for flag in flags]
    settings = parse([*here, "--rest_api_port=1", "--port=2"])
    assert [model.name for model in settings.models] == ["a", "b"]
    assert [model.base_path for model in settings.models] == [f"{models}/a", f"{models}/b"]
    assert dict(settings.models[1].version_labels) == {"stable": 10, "previous": 2}
    assert (settings.batching.max_batch_size, settings.reread_seconds) == (128, 30)
    assert settings.metrics_path == "/monitoring/prometheus/metrics"
    assert (settings.rest_port, settings.grpc_port, settings.host) == (1, 2, "127.0.0.1")


def test_models_at_finds_models_a_model_or_one_version(models):
    assert [model.name for model in models_at(models)] == ["a", "b"]
    (one,) = models_at(models / "b")
    assert (one.name, one.base_path) == ("b", str(models / "b"))
    (pinned,) = models_at(models / "b" / "2")
    assert pinned.name == "b"
    assert choose([2, 10], pinned.model_version_policy) == [2]


@pytest.mark.parametrize("path", ["nowhere", "b/11.unfinished", "a/1/assets"])
def test_models_at_refuses_anything_else(models, path):
    with pytest.raises(JobError, match=r"holds no model|named with a number"):
        models_at(models / path)


def test_scan_sees_whole_versions_only(models):
    assert sorted(scan(models / "b")) == [2, 10]
    for name in ("9" * 30, "\u0663", "-4"):
        (models / "b" / name).mkdir()
    assert sorted(scan(models / "b")) == [2, 10]
    assert scan(models / "nowhere") == {}


def test_a_folder_of_models_is_read_again(models):
    read = Folder(models, models_at(models))
    (models / "c" / "1").mkdir(parents=True)
    assert [model.name for model in read()] == ["a", "b"]  # nothing to serve in it yet
    (models / "c" / "1" / "saved_model.pb").touch()
    shutil.rmtree(models / "a" / "1")  # its folder is still there: a version is being replaced
    shutil.rmtree(models / "b")
    assert [model.name for model in read()] == ["a", "c"]


@pytest.mark.parametrize("path", ["b", "b/2"])
def test_a_path_that_names_one_model_goes_on_naming_it(models, path):
    assert parse([str(models / path)]).reread is None


@pytest.mark.parametrize(
    ("policy", "chosen"),
    [
        (Policy(), [10]),
        (Policy(latest=Policy.Latest(num_versions=2)), [9, 10]),
        (Policy(all=Policy.All()), [1, 9, 10]),
        (Policy(specific=Policy.Specific(versions=[9, 1, 4])), [1, 9]),
    ],
)
def test_version_policies(policy, chosen):
    assert choose([1, 9, 10], policy) == chosen


def test_batching_parameters(tmp_path):
    path = tmp_path / "batching.config"
    path.write_text(
        "max_batch_size { value: 8 } # comment\nbatch_timeout_micros { value: 0 }\n"
        "max_enqueued_batches { value: 3 } num_batch_threads { value: 2 }\n"
        'thread_pool_name { value: "x" } allowed_batch_sizes: 4 allowed_batch_sizes: 8'
    )
    assert read_batching(path) == Batching(8, 0, 3, 2, (4, 8))
    path.write_text("")
    assert read_batching(path) == Batching()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max_batch_size { value: 8 }\nmax_batch { value: 8 }", r"batching.config:2: .*max_batch"),
        ("max_batch_size: 8", r"batching.config:1: "),
        ("allowed_batch_sizes: 4", "must increase and end with max_batch_size"),
        ("num_batch_threads { value: 0 }", "num_batch_threads must be at least 1, got 0"),
    ],
)
def test_wrong_batching_parameters(tmp_path, text, said):
    path = tmp_path / "batching.config"
    path.write_text(text)
    with pytest.raises(JobError, match=said):
        read_batching(path)


def test_monitoring(tmp_path):
    path = tmp_path / "monitoring.config"
    path.write_text('prometheus_config { enable: true path: "/m" }')
    assert read_metrics_path(path) == "/m"
    path.write_text("prometheus_config { enable: false }")
    assert read_metrics_path(path) is None
    path.write_text('prometheus_config { enable: true path: "m" }')
    with pytest.raises(JobError, match="must begin with /"):
        read_metrics_path(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no model"),
        ("model_config_list { config { name: 'a' } }", "needs a name and a base_path"),
        ("model_config_list { config { nam: 'a' } }", r"models.config:1: .*nam"),
        (
            "model_config_list { config { name: 'a' base_path: '/a' }"
            " config { name: 'a' base_path: '/b' } }",
            "listed once",
        ),
    ],
)
def test_wrong_model_configs(tmp_path, text, said):
    path = tmp_path / "models.config"
    path.write_text(text)
    with pytest.raises(JobError, match=said):
        read_models(path)
    with pytest.raises(JobError, match="No such file"):
        read_models(tmp_path / "nothing")
    path.write_bytes("model_config_list {\n".encode("utf-16"))
    with pytest.raises(JobError, match=r"models.config:1: should be UTF-8 text, got byte 0xff"):
        read_models(path)


@pytest.mark.parametrize("arguments", [[], ["a", "--model-base-path=b"], ["--no-such-flag"]])
def test_a_wrong_call_has_exit_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 2
