"""The command that says how good a model is: on its own test split, or on new labelled data."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import Json, Set, answer


def evaluate(
    target: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE|RUN|EXPORT", help="A recipe; with --data a run's or an export's folder."
        ),
    ],
    sets: Set,
    data: Annotated[
        list[str],
        typer.Option(
            default_factory=list,
            show_default=False,
            help="New labelled file or glob to score a trained model on. Repeatable.",
        ),
    ],
    column: Annotated[
        list[str],
        typer.Option(
            default_factory=list,
            show_default=False,
            help="Where the texts of --data are, if elsewhere. Twice for a model of pairs.",
        ),
    ],
    label: Annotated[
        str | None, typer.Option(help="Where the labels of --data are, if elsewhere.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder to write to, with --data; in work if not said.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure the trained model; with --data, on new files."""
    from configs.loading import RecipeError, load
    from pipeline import stages
    from pipeline.publishing.serving_files import newest, versions

    if not data:
        if column or label or output:
            raise RecipeError("--column, --label and --output go with --data")
        if Path(target).is_dir():
            raise RecipeError(
                f"{target} is a folder: name a recipe, or say what to score it on: --data FILE"
            )
        facts = stages.run(load(target, sets), "evaluate")
        answer("\n".join(stages.in_words(facts)), facts, as_json)
        return
    if Path(target).is_file():
        raise RecipeError(
            f"{target} is a file: with --data name a trained model, work/runs/NAME-XXXXXXXX or"
            " work/models/NAME"
        )
    from pipeline.quiet import import_tensorflow

    import_tensorflow()
    from pipeline.evaluation import new_data

    folder = newest(Path(target)) if versions(Path(target)) else target
    model = new_data.find(str(folder))
    facts = new_data.score(model, new_data.asked(model, data, column, label, sets), output)
    lines = [stages.figure(name, found) for name, found in facts["metrics"].items()]
    if facts["verdict"]:
        lines.append(f"verdict:     {facts['verdict']['words']}")
    lines += [*facts["notes"], f"report:      {facts['output']}/report.html"]
    answer("\n".join(lines), facts, as_json)
