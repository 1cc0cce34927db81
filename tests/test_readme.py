"""What the pages and the recipes' headers tell people to type exists and is understood."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from configs import loading, plain_yaml
from configs.recipe import Recipe
from pipeline.cli import app

PAGES = sorted(
    [*Path().glob("*.md"), *Path().glob("[!.w]*/*.md"), *Path("configs").glob("*/*.yaml")]
)
COMMANDS = typer.main.get_command(app).commands
TARGETS = set(re.findall(r"^([a-z]+):", Path("Makefile").read_text(), re.MULTILINE))
FOLDERS = "benchmarks|components|configs|docs|pipeline|samples|serving|tests"
KEYS = "|".join(Recipe.model_fields)
# One command of a shell: quoted parts and lines that end in \ go on.
COMMAND = r"""((?:\#[^\n]*|'[^']*'|"[^"]*"|\\\n|[^\n'"\\\#])*)"""


def code(page):
    """What stands in a page's blocks of code or a recipe's header, and what between backticks."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".yaml":
        header = text[: re.search(r"^(?!#)", text, re.MULTILINE).start()]
        lines = re.sub(r"^#( +\w[\w -]*:)? *", "", header, flags=re.MULTILINE)
        return re.sub(r"  +\(.*", "", lines), ""  # (how long it takes)
    fenced = r"^```\w*\n(.*?)^```"
    blocks = re.findall(fenced, text, re.MULTILINE | re.DOTALL)
    rest = re.sub(fenced, "", text, flags=re.MULTILINE | re.DOTALL)
    indented = re.findall(r"^ {4}(.*)$", rest, re.MULTILINE)
    return "\n".join([*blocks, *indented]), "\n".join(re.findall(r"`([^`]+)`", rest))


def found(pattern, *kinds):
    """What a pattern finds in the pages' code of these kinds, as `code` has them: 0, 1."""
    return [
        pytest.param(one, id=f"{page}: {one}")
        for page in PAGES
        for one in dict.fromkeys(
            re.findall(pattern, "\n".join(code(page)[kind] for kind in kinds), re.MULTILINE)
        )
    ]


@pytest.mark.parametrize("line", found(rf"^ *(?:\.venv/bin/)?textmill {COMMAND}", 0))
def test_commands_are_understood_and_their_recipes_load(line):
    name, *words = shlex.split(line.replace("\\\n", " "), comments=True)
    told = COMMANDS[name].make_context(name, words).params
    recipe = told.get("recipe")
    if recipe is not None and recipe.parts[0] == "configs":
        loading.load(recipe, told.get("sets", []))


@pytest.mark.parametrize("line", found(r"^textmill ([a-z].*)", 1))
def test_commands_in_sentences_exist_with_their_options(line):
    name, *words = line.split()
    options = {flag for parameter in COMMANDS[name].params for flag in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize("part", found(rf"^((?:{KEYS}):(?: .*)?(?:\n[ -].*)*)", 0, 1))
def test_parts_of_recipes_are_valid(part):
    for key, value in plain_yaml.read(part).items():
        loading.checked(Recipe.model_fields[key].annotation, value, key)


@pytest.mark.parametrize("target", found(r"\bmake ([a-z]+)\b", 0, 1))
def test_make_targets_exist(target):
    assert target in TARGETS


@pytest.mark.parametrize("path", found(rf"^(?:python )?((?:{FOLDERS})/[\w/.-]*|[A-Z]+\.md)", 0, 1))
def test_paths_exist(path):
    assert Path(path).exists()
