"""What all tests share."""

import pytest
from hypothesis import settings

# The same examples every time, and no deadline: the first example pays for slow imports.
settings.register_profile("textmill", deadline=None, derandomize=True, database=None)
settings.load_profile("textmill")


@pytest.fixture(scope="session")
def mlflow_store(tmp_path_factory):
    """The address of an MLflow store in SQLite, shared because a new one takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"
