"""New models from an export's folder and from MLflow start with the weights of its run."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from pipeline import earlier_weights
from pipeline.errors import JobError
from pipeline.finding_runs import TRAINING, WEIGHTS
from pipeline.tracking import store


@pytest.fixture
def same(trained):
    """What is read has the weights, the words and the labels of the run."""

    def check(address):
        folder = earlier_weights.locate(address, trained.recipe)
        found = earlier_weights.read(folder)
        weights = load_file(trained.run_dir / TRAINING / WEIGHTS)
        assert found.weights.keys() == weights.keys()
        for path, value in weights.items():
            np.testing.assert_array_equal(found.weights[path], value, err_msg=path)
        run = earlier_weights.read(trained.run_dir)
        assert (found.vocabulary, found.labels) == (run.vocabulary, run.labels)
        return earlier_weights.content(folder)

    return check


def test_from_its_folder(same, export_dir):
    same(str(export_dir))


def test_from_mlflow(same, trained, export_dir):
    version = export_dir.name
    addresses = [f"models:/tiny/{version}", "models:/tiny@champion"]
    uri = store.store_uri(trained.recipe)
    client = store.connect(uri)
    run = client.get_model_version("tiny", version).run_id
    contents = {same(address) for address in [*addresses, f"runs:/{run}/model", str(export_dir)]}
    assert len(contents) == 1  # wherever a copy lies, it stands for the same weights


def test_what_mlflow_has_not(trained, export_dir):
    for address in ("models:/tiny@loser", "models:/tiny/99", "runs:/0123/model"):
        with pytest.raises(JobError, match=r"MLflow at sqlite.* has no .*@ALIAS"):
            earlier_weights.locate(address, trained.recipe)


def test_an_export_without_the_paths_of_its_weights(trained, export_dir, tmp_path):
    old = tmp_path / "old"
    old.mkdir()
    (old / "saved_model.pb").touch()
    with pytest.raises(JobError, match=r"exported by an earlier version.*export its run again"):
        earlier_weights._exported(old)
