"""The doctor finds nothing here, and finds what is made wrong."""

import pytest

from configs import loading
from pipeline import doctor
from pipeline.tracking.store import connect

LEAST = "{name: any, data: {train: any}, task: {kind: classify}, model: {kind: text_cnn}}"


def recipe(*overrides):
    return loading.parse(LEAST, overrides)


def broken(findings):
    return {finding.what: finding.remedy for finding in findings if finding.remedy}


def test_this_environment_is_sound(tmp_path):
    found = list(doctor.findings(recipe(f"work={tmp_path}")))
    assert not broken(found)
    told = "\n".join(finding.what for finding in found)
    for word in (
        "Python 3.11",
        "tensorflow-text 2.21",
        "GPUs",
        "MLflow store",
        "OneDeviceStrategy",
    ):
        assert word in told


def test_packages_that_do_not_fit_are_found(tmp_path, monkeypatch):
    for name, version in (("tensorflow_text", "2.19.0"), ("rich", "1.0")):
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = broken(doctor.packages(recipe()))
    assert "tensorflow-text 2.19.0 is not made for tensorflow 2.21.0" in found
    assert "textmill needs tensorflow-text>=2.21.1, got 2.19.0" in found
    assert "keras-hub needs tensorflow-text>=2.20.1" in "".join(found)
    assert not any("rich" in what for what in found)  # nobody asks for a certain version


def test_store_that_does_not_answer_is_found(tmp_path):
    away = broken(doctor.store(recipe("tracking.uri=http://127.0.0.1:9")))
    assert list(away) == ["MLflow store http://127.0.0.1:9 does not answer"]
    file = tmp_path / "mlflow.db"
    file.write_text("no database")
    assert broken(doctor.store(recipe(f"tracking.uri=sqlite:///{file}")))


def test_store_that_answers_is_sound(tmp_path):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    connect(uri)
    (finding,) = doctor.store(recipe(f"tracking.uri={uri}"))
    assert (finding.what, finding.remedy) == (f"MLflow store {uri} answers", "")


@pytest.mark.parametrize("missing", ["work/deeper", "work"])
def test_disk_is_looked_at_where_the_folder_will_be(missing, tmp_path):
    (finding,) = doctor.disk(recipe(f"work={tmp_path / missing}"))
    assert "GB free" in finding.what
    assert not (tmp_path / "work").exists()
