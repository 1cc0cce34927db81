"""What is wrong with a recipe, in its user's words: a line for each mistake, with its path."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from configs.recipe import Recipe

# Where pydantic places a value: names, indices, and the kinds and types that it tried on the way.
Place = tuple[str | int, ...]
Path = tuple[str, ...]

MOST = 50  # mistakes that are told one by one
WORDS = {
    r"^(Input|Value error,) ": "",
    r"valid dictionary( or .*)?": "mapping",
    r"valid tuple|^Tuple": "list",
    r" after validation": "",
}


def explain(error: ValidationError, values: Any) -> list[str]:
    """A line for each value that is wrong; what each type it may have says of it is joined by "or".

    Args: values, what was validated.
    """
    keys = dict(_keys(Recipe))
    remarks: dict[Path, list[str]] = {}
    got: dict[Path, str] = {}
    for mistake in error.errors(include_url=False)[:MOST]:
        path = _path(mistake, values)
        match mistake["type"]:
            case "extra_forbidden":
                remark = f"unknown key; {_advice(mistake['loc'], path, keys)}"
            case "missing":
                remark = "missing"
            case "union_tag_not_found":
                path, remark = (*path, "kind"), "missing"
            case "union_tag_invalid":
                path = (*path, "kind")
                remark = f"should be one of {mistake['ctx']['expected_tags']}"
                got[path] = _shown(mistake["ctx"]["tag"])
            case kind:
                remark = _in_our_words(mistake["msg"])
                if kind != "value_error":  # those messages are ours and say it themselves
                    got[path] = _shown(mistake["input"])
        remarks.setdefault(path, []).append(remark)
    lines = [
        f"{'.'.join(path)}{': ' if path else ''}"
        f"{' or '.join(dict.fromkeys(said))}{got.get(path, '')}"
        for path, said in remarks.items()
    ]
    left = error.error_count() - MOST
    return [*lines, f"and {left:,} more mistakes"] if left > 0 else lines


def _keys(
    model: type[BaseModel], place: Place = (), path: Path = ()
) -> Iterator[tuple[Place, Path]]:
    """Every key that a recipe may hold."""
    for name, field in model.model_fields.items():
        yield (*place, name), (*path, name)
        for inner in _models(field.annotation):
            tag = get_args(inner.model_fields["kind"].annotation) if field.discriminator else ()
            yield from _keys(inner, (*place, name, *tag), (*path, name))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _path(mistake: ErrorDetails, values: Any) -> Path:
    """Where the mistake is, as a user writes it: without the kinds and types that were tried."""
    path: list[str] = []
    for part in mistake["loc"]:
        inside = dict(enumerate(values)) if isinstance(values, tuple) else values
        if isinstance(inside, dict) and part in inside:
            values = inside[part]
            path.append(str(part))
    return (*path, str(mistake["loc"][-1])) if mistake["type"] == "missing" else tuple(path)


def _advice(place: Place, path: Path, keys: dict[Place, Path]) -> str:
    """The valid key nearest to an unknown one: beside it, or else anywhere in the recipe."""
    beside = {known[-1]: known for key, known in keys.items() if key[:-1] == place[:-1]}
    if path not in keys.values():  # else it belongs to another kind
        times = Counter(known[-1] for known in set(keys.values()))
        elsewhere = {known[-1]: known for known in keys.values() if times[known[-1]] == 1}
        for candidates, likeness in ((beside, 0.6), (elsewhere, 0.8)):
            if near := get_close_matches(path[-1], candidates, n=1, cutoff=likeness):
                return f"did you mean {'.'.join(candidates[near[0]])}?"
    return f"allowed here: {', '.join(beside)}"


def _in_our_words(message: str) -> str:
    for theirs, ours in WORDS.items():
        message = re.sub(theirs, ours, message)
    return message[:1].lower() + message[1:]


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return f", got {text if len(text) <= 60 else text[:57] + '...'}"
