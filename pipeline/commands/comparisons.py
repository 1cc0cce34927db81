"""Commands that put several runs side by side: compare, learning-curve."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import Json, RecipeFile, Set, answer


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(default_factory=list, show_default=False, help="Run folders or ids."),
    ],
    experiment: Annotated[str | None, typer.Option(help="All runs of this experiment.")] = None,
    tracking_uri: Annotated[str | None, typer.Option(help="MLflow store.")] = None,
    out: Annotated[Path, typer.Option(help="Page or folder to write.")] = Path("work"),
    as_json: Json = False,
) -> None:
    """Put runs side by side: metrics, tests, settings, cost."""
    from pipeline.quiet import import_tensorflow

    import_tensorflow()
    from pipeline.evaluation.compare import compare

    page = compare(runs, experiment, tracking_uri, out)
    answer(f"page: {page}", {"page": str(page)}, as_json)


def learning_curve(
    recipe: RecipeFile,
    sizes: Annotated[
        str,
        typer.Option(help="Numbers of examples, as in 100,500,all; allx1 is of the first seed."),
    ],
    sets: Set,
    variant: Annotated[
        list[str],
        typer.Option(
            metavar="NAME:KEY=VALUE[,KEY=VALUE...]",
            default_factory=list,
            show_default=False,
            help="The recipe with other settings, on the same samples. Repeatable.",
        ),
    ],
    at: Annotated[
        list[str],
        typer.Option(
            metavar="SIZE:KEY=VALUE[,KEY=VALUE...]",
            default_factory=list,
            show_default=False,
            help="Settings that every variant has at this size. Repeatable.",
        ),
    ],
    seeds: Annotated[str, typer.Option(help="Of the samples and of the trainings.")] = "1,2,3",
    out: Annotated[Path | None, typer.Option(help="Folder to write to.")] = None,
    as_json: Json = False,
) -> None:
    """Say how good a recipe gets with fewer examples."""
    from pipeline.quiet import import_tensorflow

    import_tensorflow()
    from pipeline.learning_curve import curve, variants

    wanted = variants.sizes(sizes, variants.seeds(seeds))
    settings = variants.at_sizes(at, wanted)
    found = variants.variants(recipe, sets, variant, settings)
    facts = curve.learning_curve(found, wanted, settings, out)
    answer(f"page: {facts['folder']}/report.html", facts, as_json)
