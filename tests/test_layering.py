"""Imports point one way: configs and components <- pipeline <- serving."""

import ast
import sys
from pathlib import Path

import pytest

MAY_IMPORT = {
    "configs": set(),
    "components": set(),
    "pipeline": {"configs", "components"},
    "serving": {"configs", "pipeline"},
}
FILES = sorted(path for folder in MAY_IMPORT for path in Path(folder).rglob("*.py"))


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: say where from, instead of dots"
            yield node.module


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_point_one_way(path):
    folder = path.parts[0]
    used = {name.split(".")[0] for name in imported_modules(path)}
    assert used & (MAY_IMPORT.keys() | {"tests"}) <= MAY_IMPORT[folder] | {folder}


def test_recipes_and_components_meet_in_two_places():
    # The first makes models and optimizers, the second picks losses.
    knowing = {
        str(path)
        for path in FILES
        if path.parts[0] == "pipeline"
        and path.parts[1] != "build"
        and any(name.split(".")[0] == "components" for name in imported_modules(path))
    }
    assert knowing == {"pipeline/tasks.py"}


def test_components_need_keras_alone():
    """TensorFlow only in fast paths, each a file of its own beside the portable way."""
    fast = {
        "components/cudnn_recurrence.py",
        "components/distinct_tokens.py",
        "components/distinct_words.py",
        "components/fast_adaptive_softmax.py",
        "components/fast_cells.py",
        "components/fast_chunked_reading.py",
        "components/fast_cross_entropy.py",
        "components/fast_dropout.py",
        "components/fast_gelu.py",
        "components/fast_layer_norm.py",
        "components/fast_linear.py",
        "components/fast_recurrence.py",
        "components/fused_adam.py",
        "components/replica_sums.py",
    }
    for path in FILES:
        if path.parts[0] == "components" and path.as_posix() not in fast:
            used = {name.split(".")[0] for name in imported_modules(path)}
            assert used <= {"keras", "components"} | sys.stdlib_module_names, path
