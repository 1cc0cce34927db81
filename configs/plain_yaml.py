"""The YAML of recipes: YAML 1.2's plain values, where `no` is a word and 1e-3 a number.

Lists become tuples, keys are strings (a class may be called 0 or null) and stand only once.
"""

import re
from typing import Any

import yaml

from configs.bounded_yaml import BoundedLoader, wrong


def read(text: str, name: str = "recipe") -> Any:
    """The values in a YAML text.

    Raises:
        ValueError: it is no YAML; the message starts with `name` and the line.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{name}{line}: {error.problem}") from error
    except yaml.reader.ReaderError as error:
        place = f"{name}:{text.count(chr(10), 0, error.position) + 1}"
        raise ValueError(f"{place}: unacceptable character U+{error.character:04X}") from error
    except (ValueError, OverflowError) as error:  # of PyYAML's scanner
        raise ValueError(f"{name}: an escape such as \\U names no character") from error


def write(values: Any) -> str:
    """YAML text that `read` turns into the same values; mappings in blocks, lists on a line."""
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def write_inline(value: Any) -> str:
    """The same on one line."""
    text = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=True,
        sort_keys=False,
        allow_unicode=True,
        width=float("inf"),
    )
    return text.removesuffix("\n").removesuffix("\n...")


class _Loader(BoundedLoader):
    pass


class _Dumper(yaml.SafeDumper):
    pass


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise wrong("a key should be a single word", key.start_mark)
        if key.value in values:
            raise wrong(f"key {key.value!r} stands here a second time", key.start_mark)
        values[key.value] = loader.construct_object(value, deep=True)
    return values


def _tuple(loader: _Loader, node: yaml.SequenceNode) -> tuple[Any, ...]:
    return tuple(loader.construct_sequence(node, deep=True))


def _string(dumper: _Dumper, text: str) -> yaml.Node:
    # PyYAML writes these line breaks as they are between single quotes, and reads them as spaces.
    style = '"' if set(text) & set("\x85\u2028\u2029") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


def _flow(dumper: _Dumper, values: list[Any]) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=True)


_FLOAT = re.compile(r"([-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|[-+]?\.inf|\.nan)$", re.ASCII)
_Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("null", re.compile(r"(~|null|)$"), ["~", "n", ""]),
    ("bool", re.compile(r"(true|false)$"), ["t", "f"]),
    ("int", re.compile(r"[-+]?(0|[1-9][0-9_]*)$"), list("-+0123456789")),
    ("float", _FLOAT, list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", pattern, first)
    # So that strings which would read as something else are quoted, for readers of YAML 1.1 too.
    _Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", pattern, first)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:seq", _tuple)
_Dumper.add_representer(str, _string)
_Dumper.add_representer(list, _flow)
