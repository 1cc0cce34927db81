"""What the README tells people to type exists."""

import re
from pathlib import Path

import pytest
import typer

from pipeline.cli import app

PAGES = ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md")
TEXT = {page: Path(page).read_text(encoding="utf-8") for page in PAGES}
COMMANDS = typer.main.get_command(app).commands
TARGETS = set(re.findall(r"^([a-z]+):", Path("Makefile").read_text(), re.MULTILINE))


def in_code(pattern):
    """What a pattern finds in the pages' code: indented lines, and words between backticks."""
    code = {
        page: re.findall(r"^ {4}.*$|`[^`]+`", text, re.MULTILINE) for page, text in TEXT.items()
    }
    return [
        pytest.param(found, id=f"{page}: {found}")
        for page, pieces in code.items()
        for found in dict.fromkeys(re.findall(pattern, "\n".join(pieces), re.MULTILINE))
    ]


@pytest.mark.parametrize("line", in_code(r"\btextmill ([a-z]+\b[^`\n]*)"))
def test_commands_exist_with_their_options(line):
    name, *words = line.split()
    options = {flag for parameter in COMMANDS[name].params for flag in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize("target", in_code(r"\bmake ([a-z]+)\b"))
def test_make_targets_exist(target):
    assert target in TARGETS


@pytest.mark.parametrize("path", in_code(r"`((?:[a-z_.-]+/)+[\w.-]*|[A-Z]+\.md)`"))
def test_paths_exist(path):
    assert Path(path).exists()
