"""What the pages and the recipes' headers tell people to type exists and is understood."""

import functools
import re
import shlex
from pathlib import Path

import pytest
import typer

from configs import loading, plain_yaml
from configs.recipe import Recipe
from pipeline.cli import app

FOLDERS = "benchmarks|components|configs|docs|pipeline|samples|serving|tests"
PAGES = sorted(
    [
        *Path().glob("*.md"),
        *(page for folder in FOLDERS.split("|") for page in Path(folder).rglob("*.md")),
        *Path("configs").glob("*/*.yaml"),
    ]
)
COMMANDS = typer.main.get_command(app).commands
TARGETS = set(re.findall(r"^([a-z]+):", Path("Makefile").read_text(), re.MULTILINE))
KEYS = "|".join(Recipe.model_fields)
FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
# One command of a shell: quoted parts and lines that end in \ go on.
COMMAND = r"""((?:\#[^\n]*|'[^']*'|"[^"]*"|\\\n|[^\n'"\\\#])*)"""


@functools.cache
def blocks(page):
    """A page's blocks of code, or the commands in a recipe's header."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".yaml":
        header = text[: re.search(r"^(?!#)", text, re.MULTILINE).start()]
        lines = re.sub(r"^#( +\w[\w -]*:)? *", "", header, flags=re.MULTILINE)
        return re.sub(r"  +\(.*", "", lines)  # (how long it takes)
    indented = re.findall(r"^ {4}(.*)$", FENCED.sub("", text), re.MULTILINE)
    return "\n".join([*FENCED.findall(text), *indented])


@functools.cache
def inline(page):
    """What a page has between backticks, a line each."""
    if page.suffix == ".yaml":
        return ""
    return "\n".join(re.findall(r"`([^`]+)`", FENCED.sub("", page.read_text(encoding="utf-8"))))


def found(pattern, *kinds):
    """What a pattern finds in the pages' code of these kinds: blocks, inline."""
    return [
        pytest.param(one, id=f"{page}: {one}")
        for page in PAGES
        for one in dict.fromkeys(
            re.findall(pattern, "\n".join(kind(page) for kind in kinds), re.MULTILINE)
        )
    ]


@pytest.mark.parametrize("line", found(rf"^ *(?:\.venv/bin/)?textmill {COMMAND}", blocks))
def test_commands_are_understood_and_their_recipes_load(line):
    name, *words = shlex.split(line.replace("\\\n", " "), comments=True)
    told = COMMANDS[name].make_context(name, words).params
    recipe = told.get("recipe")
    if recipe is not None and recipe.parts[0] == "configs":
        loading.load(recipe, told.get("sets", []))


@pytest.mark.parametrize("line", found(r"^textmill ([a-z].*)", inline))
def test_commands_in_sentences_exist_with_their_options(line):
    name, *words = line.split()
    options = {flag for parameter in COMMANDS[name].params for flag in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize("part", found(rf"^((?:{KEYS}):(?: .*)?(?:\n[ -].*)*)", blocks, inline))
def test_parts_of_recipes_are_valid(part):
    for key, value in plain_yaml.read(part).items():
        loading.checked(Recipe.model_fields[key].annotation, value, key)


@pytest.mark.parametrize("target", found(r"\bmake ([a-z]+)\b", blocks, inline))
def test_make_targets_exist(target):
    assert target in TARGETS


@pytest.mark.parametrize(
    "path", found(rf"^(?:python )?((?:{FOLDERS})/[\w/.-]*|[A-Z]+\.md)", blocks, inline)
)
def test_paths_exist(path):
    assert Path(path).exists()
