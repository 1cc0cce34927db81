"""What a run came from, in words that a tracking store takes: settings, code, packages."""

import importlib.metadata
import json
import subprocess
from pathlib import Path
from typing import Any

PACKAGES = ("tensorflow", "keras", "tensorflow-text", "apache-beam", "mlflow", "textmill")


def flatten(value: Any, prefix: str = "") -> dict[str, str]:
    """Nested mappings as one, with dots in the names; strings as they are, the rest as JSON.

    So is a mapping of labels that are no words, for MLflow allows few characters in a name.
    """
    if isinstance(value, dict) and value and all(map(str.isidentifier, value)):
        return {
            name: text
            for key, inner in value.items()
            for name, text in flatten(inner, f"{prefix}.{key}" if prefix else str(key)).items()
        }
    return {prefix: value if isinstance(value, str) else json.dumps(value)}


def code() -> dict[str, str]:
    """The git commit of textmill's own code and whether it has changed since; {} outside of git."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(Path(__file__).parent), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        commit, changes = git("rev-parse", "HEAD"), git("status", "--porcelain")
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"mlflow.source.git.commit": commit, "git.dirty": str(bool(changes)).lower()}


def versions() -> dict[str, str]:
    return {f"version.{name}": importlib.metadata.version(name) for name in PACKAGES}


def installed() -> str:
    """Every installed package, one `name==version` a line."""
    found = {f"{d.name}=={d.version}" for d in importlib.metadata.distributions()}
    return "\n".join(sorted(found)) + "\n"


def requirements(*packages: str) -> list[str]:
    return [f"{name}=={importlib.metadata.version(name)}" for name in packages]
