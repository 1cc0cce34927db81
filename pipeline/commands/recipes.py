"""Commands that help to write a recipe: new, check, doctor."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.options import Json, RecipeFile, Set, answer
from pipeline.errors import JobError


def new(
    data: Annotated[list[str], typer.Option(help="Training file or glob. Repeatable.")],
    text: Annotated[str, typer.Option(help="Column with the texts, lists of words, or questions.")],
    out: Annotated[Path, typer.Option(help="Recipe to write.")],
    test: Annotated[
        list[str],
        typer.Option(default_factory=list, show_default=False, help="The same, to test on."),
    ],
    valid: Annotated[
        list[str],
        typer.Option(default_factory=list, show_default=False, help="The same, to validate on."),
    ],
    label: Annotated[
        str | None,
        typer.Option(help="Column with what is to be learned; without it, the next word is."),
    ] = None,
    second: Annotated[
        str | None, typer.Option(help="Column with pairs' second texts, or questions' contexts.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Model family; one that suits if not said.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="Kind of task; guessed if not said.")] = None,
    init_from: Annotated[
        str | None,
        typer.Option(help="Trained weights to start from: a run, a Hugging Face folder, ..."),
    ] = None,
    data_format: Annotated[
        str, typer.Option("--format", help="Of the files, if their names do not tell.")
    ] = "auto",
    encoding: Annotated[str | None, typer.Option(help="Of the files; found if not said.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="What parts the fields; the same.")] = None,
    quoting: Annotated[
        str | None, typer.Option(help="double or none: if quotes enclose fields; the same.")
    ] = None,
    max_bad: Annotated[
        float | None, typer.Option(help="Share of rows that may be left out, if more than 0.05.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Look at your own files and write a recipe for them."""
    from configs.data import Data
    from configs.loading import RecipeError, checked
    from pipeline.quiet import import_tensorflow
    from pipeline.recipes.new import recipe

    if out.exists() and not force:
        raise RecipeError(f"--out: {out} is there already: name another file, or say --force")
    said: dict[str, Any] = {"train": tuple(data), "format": data_format}
    said |= {name: tuple(some) for name, some in (("valid", valid), ("test", test)) if some}
    ways = {"encoding": encoding, "delimiter": delimiter, "quoting": quoting, "max_bad": max_bad}
    said |= {name: value for name, value in ways.items() if value is not None}
    files: Data = checked(Data, said, "data")
    if init_from is not None:
        import_tensorflow()
    written = recipe(files, text, label, model, task, second, init_from)
    out.write_text(written, encoding="utf-8")
    print(f"{out} is written. Read it, then: textmill run {out}")


def check(recipe: RecipeFile, sets: Set, as_json: Json = False) -> None:
    """Print the whole recipe, and the model's size."""
    from configs.loading import dump, load
    from pipeline.recipes.check import estimate, in_words

    loaded = load(recipe, sets)
    facts = estimate(loaded)
    # The figures are comments, so that the whole is a recipe again.
    answer(dump(loaded) + "\n".join(f"# {line}" for line in in_words(facts)), facts, as_json)


def doctor(
    sets: Set,
    recipe: Annotated[Path | None, typer.Argument(metavar="RECIPE", help="Look for it.")] = None,
) -> None:
    """Say what is installed, if it fits, and what jobs run on."""
    from configs.loading import load, parse
    from pipeline.doctor import findings

    least = "{name: any, data: {train: any}, task: {kind: classify}, model: {kind: text_cnn}}"
    broken = 0
    for finding in findings(load(recipe, sets) if recipe else parse(least, sets)):
        print(f"{'BROKEN' if finding.remedy else 'ok':7} {finding.what}")
        if finding.remedy:
            broken += 1
            print(f"{'':7} -> {finding.remedy}")
    if broken:
        raise JobError(f"{broken} thing(s) broken")
