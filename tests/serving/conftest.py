"""The models and the server that most tests of serving share."""

from pathlib import Path

import pytest
from running_server import running
from tiny_server import CONFIG, save


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
    config.write_text(CONFIG)
    mount = f"{tiny.parent}:/models"
    again = "--model_config_file_poll_wait_seconds=0.2"
    with running(folder, "--model_config_file", config, "--mount", mount, again) as server:
        yield server
