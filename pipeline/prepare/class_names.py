"""Names of class ids, as Hugging Face's `datasets` keeps them in the schema of a file.

Source: the type `ClassLabel`, https://huggingface.co/docs/datasets/about_dataset_features.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

Name = Callable[[Any], Any]


def class_names(metadata: Mapping[bytes, bytes] | None) -> dict[str, Name]:
    """By column that holds class ids, or lists of them, what gives them their names.

    Args: metadata, of an Arrow schema. What is there but not understood is as if it were not.
    """
    try:
        features = json.loads((metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        found = {column: _names(feature) for column, feature in features.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {column: _namer(names) for column, names in found.items() if names}


def _names(feature: Any) -> list[str]:
    """The names of a column of ids, or of lists of ids, which versions write in three ways."""
    if isinstance(feature, list) and len(feature) == 1:
        return _names(feature[0])
    if "feature" in feature:
        return _names(feature["feature"])
    return feature["names"] if feature.get("_type") == "ClassLabel" else []


def _namer(names: list[str]) -> Name:
    """An id without a name is no label: -1, as in the tests of GLUE, where none is told."""

    def named(value: Any) -> Any:
        if isinstance(value, list):
            return [named(each) for each in value]
        if not isinstance(value, int):
            return value
        return names[value] if 0 <= value < len(names) else None

    return named
