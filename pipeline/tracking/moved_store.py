"""A store in a work folder that was moved or copied: where its artefacts are now.

MLflow keeps whole paths of artefacts in its database, and has no command to change them: it would
go on to write to where the folder was, and of a copy into the original.
"""

import logging
from pathlib import Path
from urllib.parse import unquote, urlsplit

import sqlalchemy

ARTIFACTS = "mlartifacts"  # beside the store, in the work folder
PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)

log = logging.getLogger("textmill")


def correct(uri: str, store: Path, artifacts_of_run: str) -> None:
    """Point a store to the artefacts beside it, if those of this run are there and not where it
    says.

    Args: store, its file; artifacts_of_run, the address of the run's folder.
    """
    said = Path(unquote(urlsplit(artifacts_of_run).path))
    root = next((folder for folder in said.parents if folder.name == ARTIFACTS), None)
    now = store.parent / ARTIFACTS
    if root is None or root == now or not (now / said.relative_to(root)).exists():
        return
    before, after = root.as_uri() + "/", now.as_uri() + "/"
    engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        for table, column in PLACES:
            change = (
                f"UPDATE {table} SET {column} = :after || substr({column}, :length + 1)"
                f" WHERE substr({column}, 1, :length) = :before"
            )
            values = {"before": before, "after": after, "length": len(before)}
            connection.execute(sqlalchemy.text(change), values)
    log.info("the work folder was %s: in its MLflow store it is now %s", root.parent, now.parent)
