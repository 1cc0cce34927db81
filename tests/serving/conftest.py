"""The models and the server that most tests of serving share."""

from pathlib import Path

import pytest
from tiny_server import running, save


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Path:
    """A model's folder with the versions 1 and 2."""
    model_dir = tmp_path_factory.mktemp("models") / "tiny"
    for version in (1, 2):
        save(model_dir, version)
    return model_dir


@pytest.fixture(scope="session")
def server(tiny, tmp_path_factory):
    """A server of the models `tiny` (the newest version) and `both` (two versions, with labels)."""
    folder = tmp_path_factory.mktemp("server")
    config = folder / "models.config"
    config.write_text(
        """model_config_list {
          config { name: "tiny" base_path: "/models/tiny" model_platform: "tensorflow" }
          config { name: "both" base_path: "/models/tiny" model_platform: "tensorflow"
            model_version_policy { latest { num_versions: 2 } }
            version_labels { key: "stable" value: 1 }
            version_labels { key: "missing" value: 9 } } }"""
    )
    mount = f"{tiny.parent}:/models"
    with running(folder, "--model_config_file", config, "--mount", mount) as server:
        yield server
