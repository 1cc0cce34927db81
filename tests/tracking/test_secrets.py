"""A password in the address of a store is used and stands nowhere."""

import logging

import mlflow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_recipe import small_recipe

from configs import loading
from configs.store_address import hide_secrets, user_and_password, without_secrets
from pipeline import tracking
from pipeline.errors import JobError
from pipeline.tracking import link
from pipeline.tracking.store import StoreError, connect, explained, store_uri

SHOWN = {
    "http://ann:s3cret@host:5000": "http://host:5000",
    "https://s3cret@host/mlflow": "https://host/mlflow",
    "http://ann:p@s3/cret@host:5000": "http://host:5000",  # which should have been escaped
    "http://host:5000/?token=s3cret": "http://host:5000/",
    "postgresql://ann:s3cret@host/db": "postgresql://ann@host/db",
    "postgresql://host/db?user=ann&password=s3cret&sslmode=require": (
        "postgresql://host/db?user=ann&sslmode=require"
    ),
    "mssql+pyodbc://?odbc_connect=PWD%3Ds3cret": "mssql+pyodbc://",
    "sqlite:////a@b/mlflow.db": "sqlite:////a@b/mlflow.db",
    "databricks": "databricks",
}


@pytest.mark.parametrize(("uri", "shown"), SHOWN.items())
def test_addresses_are_shown_without_what_is_secret(uri, shown):
    assert without_secrets(uri) == shown
    assert "s3" not in hide_secrets(f"request to {uri}/api failed: no {uri}", uri)


@given(st.text("ab:@/%?#é", min_size=1))
def test_no_password_shows(password):
    assert without_secrets(f"http://ann:{password}XYZ@host:1/x") == "http://host:1/x"


def test_a_server_is_told_the_password_in_another_way(tmp_path, monkeypatch):
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, "")
    assert user_and_password("http://ann:s%403/c@host") == ("ann", "s@3/c")
    recipe = small_recipe(tmp_path, tracking={"uri": "http://ann:s%403cret@127.0.0.1:9"})
    assert store_uri(recipe) == "http://127.0.0.1:9"
    import os

    assert os.environ["MLFLOW_TRACKING_USERNAME"] == "ann"
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] == "s@3cret"
    with pytest.raises(JobError, match=r"127\.0\.0\.1:9 cannot be used") as error:
        connect(recipe.tracking.uri)
    assert "cret" not in str(error.value)
    assert error.value.__cause__ is None
    assert loading.parse(loading.dump(recipe)).tracking.uri == "http://127.0.0.1:9"


def test_what_a_database_says_is_shown_without_its_password():
    uri = "postgresql://ann:s3cret@host/db"
    with pytest.raises(StoreError, match="postgresql://ann@host/db") as error, explained(uri):
        raise OSError(f"no connection to {uri}")
    assert "s3cret" not in str(error.value)


def test_no_file_of_a_run_holds_a_password(mlflow_store, prepared, tmp_path, caplog):
    """SQLite has none, but its address takes parameters all the same."""
    uri = f"sqlite:///file:{mlflow_store.removeprefix('sqlite:///')}?uri=true&password=s3cret"
    recipe = small_recipe(tmp_path, name="secret", tracking={"uri": uri})
    run_dir = tmp_path / "work" / "runs" / "secret-0"
    with (
        caplog.at_level(logging.DEBUG, "textmill"),
        tracking.open_run(recipe, run_dir, prepared) as run,
    ):
        run.metrics(1, {"loss": 1.0})
    assert link.read(run_dir).run_id == run.id
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"mlflow.json", "tracking.jsonl", "recipe.yaml"} <= {path.name for path in written}
    assert [str(path) for path in written if b"s3cret" in path.read_bytes()] == []
    assert "s3cret" not in str(mlflow.MlflowClient(mlflow_store).get_run(run.id).to_dictionary())
    assert "s3cret" not in caplog.text
