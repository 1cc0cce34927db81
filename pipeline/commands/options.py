"""The options that several commands take, and how all of them answer."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

RecipeFile = Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe, in YAML.")]
Set = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        default_factory=list,
        show_default=False,
        help="Override a setting, as in train.epochs=3. Repeatable.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="End with a line of JSON on standard output.")]


def answer(text: str, facts: dict[str, Any], as_json: bool) -> None:
    """Print the text and, if asked for, the facts as the last line."""
    print(text)
    if as_json:
        print(json.dumps(facts))
