"""Names for metrics, parameters and tags that MLflow takes, of names that hold any character."""

import re
from collections.abc import Mapping
from typing import TypeVar

from mlflow.utils.validation import MAX_ENTITY_KEY_LENGTH

Value = TypeVar("Value")


def accepted(values: Mapping[str, Value]) -> dict[str, Value]:
    """The same values under accepted names; where two become one, the second has a number."""
    found: dict[str, Value] = {}
    for name, value in values.items():
        first = short = accepted_name(name)
        number = 2
        while short in found:
            short = f"{first[: MAX_ENTITY_KEY_LENGTH - 5]} {number}"
            number += 1
        found[short] = value
    return found


def accepted_name(name: str) -> str:
    """Letters, digits and `_-. :/` stay. MLflow also reads a name as a path, which has one form."""
    parts = re.sub(r"[^\w\-. :/]", "_", name).split("/")
    name = "/".join(part for part in parts if part not in ("", ".", ".."))
    if name.startswith(".."):
        name = f"_{name}"
    return name[:MAX_ENTITY_KEY_LENGTH].rstrip("/") or "_"
