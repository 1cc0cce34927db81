"""The command line. What imports slowly is imported inside the command that needs it."""

import json
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from pipeline.errors import Interrupted, JobError
from pipeline.quiet import settle_environment

app = typer.Typer(
    help="textmill: from raw text to a served model, as a recipe says.",
    no_args_is_help=True,
    add_completion=False,
    # Both import rich, which takes longer than all the rest of --help.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

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
ExportFolder = Annotated[Path, typer.Argument(metavar="EXPORT", help="A model's version folder.")]


@app.command()
def new(
    data: Annotated[list[str], typer.Option(help="Training file or glob. Repeatable.")],
    text: Annotated[str, typer.Option(help="Column with the texts, or with lists of words.")],
    out: Annotated[Path, typer.Option(help="Recipe to write.")],
    test: Annotated[
        list[str],
        typer.Option(default_factory=list, show_default=False, help="The same, to test on."),
    ],
    label: Annotated[
        str | None,
        typer.Option(help="Column with what is to be learned; without it, the next word is."),
    ] = None,
    second: Annotated[str | None, typer.Option(help="Column with pairs' second texts.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Model family; one that suits if not said.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="Kind of task; guessed if not said.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Look at your own files and write a commented recipe for them."""
    from configs.data import Data
    from configs.loading import RecipeError
    from pipeline.recipes.new import recipe

    if out.exists() and not force:
        raise RecipeError(f"--out: {out} is there already: name another file, or say --force")
    files = Data(train=tuple(data), test=tuple(test) or None)
    out.write_text(recipe(files, text, label, model, task, second), encoding="utf-8")
    print(f"{out} is written. Read it, then: textmill run {out}")


@app.command()
def check(recipe: RecipeFile, sets: Set, as_json: Json = False) -> None:
    """Print the recipe with all its defaults, and the model's size."""
    from configs.loading import dump, load
    from pipeline.recipes.check import estimate, in_words

    loaded = load(recipe, sets)
    facts = estimate(loaded)
    # The figures are comments, so that the whole is a recipe again.
    _print(dump(loaded) + "\n".join(f"# {line}" for line in in_words(facts)), facts, as_json)


def stage_command(name: str, last: str, about: str) -> None:
    """Add the command `name`, which runs the stages up to `last`."""

    @app.command(name, help=about)
    def command(recipe: RecipeFile, sets: Set, as_json: Json = False) -> None:
        from configs.loading import load
        from pipeline import stages

        facts = stages.run(load(recipe, sets), last)
        _print("\n".join(stages.in_words(facts)), facts, as_json)


stage_command("run", "verify", "Prepare, train, evaluate, export, verify; skip what is done.")
stage_command("prepare", "prepare", "Turn raw files into token ids, and report on the data.")
stage_command("train", "train", "Train, or go on with a training that was stopped.")
stage_command("evaluate", "evaluate", "Measure the trained model and write the report.")
stage_command("export", "export", "Publish the trained model as a SavedModel that takes texts.")


@app.command()
def verify(
    export: ExportFolder,
    url: Annotated[str | None, typer.Option(help="Ask this REST server.")] = None,
    grpc: Annotated[str | None, typer.Option(help="Ask this gRPC server, HOST:PORT.")] = None,
    as_json: Json = False,
) -> None:
    """Compare an export's answers with the trained model's."""
    if url or grpc:
        asked = [*(["--url", url] if url else []), *(["--grpc", grpc] if grpc else [])]
        _become("serving.verify", str(export), *asked, *(["--json"] if as_json else []))
    from pipeline.quiet import import_tensorflow

    import_tensorflow()
    from pipeline.publishing.verify import verify

    facts = {"export_dir": str(export), "largest_difference": verify(export)}
    _print(f"largest difference {facts['largest_difference']:.3g}", facts, as_json)


@app.command()
def predict(
    export: ExportFolder,
    input: Annotated[list[str], typer.Option(help="File or glob to answer. Repeatable.")],
    output: Annotated[Path, typer.Option(help="Folder to write to.")],
    sets: Set,
    column: Annotated[
        list[str],
        typer.Option(
            default_factory=list,
            show_default=False,
            help="Where the texts are, if elsewhere. Twice for a model of pairs.",
        ),
    ],
    as_json: Json = False,
) -> None:
    """Answer every row of files, on Beam.

    Of the settings, data.format and those of beam apply.
    """
    from configs.loading import load
    from pipeline.quiet import import_tensorflow

    recipe = load(export / "recipe.yaml", sets)
    import_tensorflow()
    from pipeline.publishing.predict import predict

    facts = predict(export, input, output, recipe.beam, column, recipe.data.format)
    _print(
        f"{facts['predicted']:,} of {facts['rows']:,} rows are answered in {output}", facts, as_json
    )


@app.command()
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
    """Put runs side by side: metrics, paired tests, settings, cost."""
    from pipeline.quiet import import_tensorflow

    import_tensorflow()
    from pipeline.evaluation.compare import compare

    page = compare(runs, experiment, tracking_uri, out)
    _print(f"page: {page}", {"page": str(page)}, as_json)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def serve(context: typer.Context) -> None:
    """Serve a folder of models; `serve --help` has the options."""
    _become("serving.server", *context.args)


@app.command()
def doctor(
    sets: Set,
    recipe: Annotated[Path | None, typer.Argument(metavar="RECIPE", help="Look for it.")] = None,
) -> None:
    """Say what is installed, if it fits, and what jobs would run on."""
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


def _print(text: str, facts: dict[str, Any], as_json: bool) -> None:
    print(text)
    if as_json:
        print(json.dumps(facts))


def _become(module: str, *arguments: str) -> NoReturn:
    """Replace this process, so that signals reach the module itself."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])


class ToStandardError(logging.Handler):
    """Writes to what sys.stderr is now: while a bar is drawn, that is a stand-in above the bar."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr)


def main() -> None:
    """The console script.

    Exit status: 0; 1, the job failed; 2, the call or the recipe is wrong; 75, stopped by SIGTERM
    with its state saved.
    """
    debug = bool(os.environ.get("TEXTMILL_DEBUG"))
    handler = ToStandardError()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    # Libraries warn of much that no user can change.
    logging.basicConfig(level=logging.WARNING if debug else logging.ERROR, handlers=[handler])
    logging.getLogger("textmill").setLevel(logging.INFO)
    settle_environment()
    try:
        app()
    except Exception as error:
        from configs.loading import RecipeError

        if debug:
            traceback.print_exc()
        match error:
            case RecipeError():
                status, message = 2, str(error)
            case JobError():
                status, message = 1, f"textmill: error: {error}"
            case Interrupted():
                status, message = 75, f"textmill: {error}"
            case _:
                raise
        print(message, file=sys.stderr)
        sys.exit(status)


if __name__ == "__main__":
    main()
