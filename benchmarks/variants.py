"""`textmill learning-curve` of one recipe, with the variants that a benchmark compares."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def learning_curve(
    recipe: str, variants: Mapping[str, Sequence[str]], out: str, *options: str
) -> None:
    """Run `configs/<recipe>` with each variant's settings, then exit with the command's status."""
    command = [Path(sys.executable).with_name("textmill"), "learning-curve", f"configs/{recipe}"]
    command += [*options, "--out", out]
    for name, settings in variants.items():
        own = ",".join(settings)
        command += ["--variant", f"{name}:{own}" if own else name]
    sys.exit(subprocess.run(command, check=False).returncode)
