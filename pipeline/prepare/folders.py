"""A folder as training data: its files in order, or those that Hugging Face's `datasets` wrote."""

import json
import os
from pathlib import Path
from typing import Any

from pipeline.errors import JobError

# Of `Dataset.save_to_disk`, and of `DatasetDict.save_to_disk`, which has a folder for each split.
STATE, SPLITS = "state.json", "dataset_dict.json"


def files(folder: str) -> list[str]:
    """The files in a folder by name, without hidden ones and such as Spark's `_SUCCESS`.

    Raises:
        JobError: there are none, or other folders, or it is one of datasets that cannot be read.
    """
    names = sorted(name for name in os.listdir(folder) if not name.startswith((".", "_")))
    if SPLITS in names:
        splits = [name for name in names if os.path.isdir(os.path.join(folder, name))]
        raise JobError(
            f"{folder}: these are datasets of several splits: name one, as"
            f" {os.path.join(folder, splits[0] if splits else 'train')}"
        )
    if STATE in names:
        return _saved(Path(folder), _json(Path(folder, STATE)))
    paths = [os.path.join(folder, name) for name in names]
    inner = [path for path in paths if not os.path.isfile(path)]
    if inner or not paths:
        what = f"holds folders, such as {inner[0]}" if inner else "holds no files"
        raise JobError(f"{folder}: {what}: name files, or a glob such as {folder}/**/*.csv")
    return paths


def _saved(folder: Path, state: Any) -> list[str]:
    """The files of one dataset, in the order of its rows."""
    try:
        names = [str(file["filename"]) for file in state["_data_files"]]
        if state.get("_indices_files") or state.get("_indices_data_files"):
            raise JobError(
                f"{folder}: the dataset is a selection by row numbers: write it by"
                " flatten_indices().save_to_disk"
            )
    except (KeyError, TypeError, AttributeError) as error:
        raise JobError(f"{folder / STATE}: names no _data_files: save the dataset again") from error
    paths = [folder / Path(name).name for name in names]
    if missing := [path for path in paths if not path.is_file()]:
        raise JobError(f"{missing[0]}: not there, and {folder / STATE} names it: save it again")
    return [str(path) for path in paths]


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise JobError(f"{path}: cannot be read ({error}): save the dataset again") from error
