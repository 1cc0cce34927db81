"""What `textmill` publishes for a benchmark to ask, made once."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path


def export(product: Path, recipe: str, settings: Iterable[str]) -> None:
    """Train and export a recipe with these settings. Args: product, where the export will be."""
    sets = [part for setting in settings for part in ("--set", setting)]
    make(product, "export", recipe, *sets)


def make(product: Path, *command: str) -> None:
    """Let a command of `textmill` write this, unless it is there."""
    if not product.exists():
        subprocess.run(
            [sys.executable, "-m", "pipeline.cli", *command],
            check=True,
            stdout=sys.stderr,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
        )
