"""The command line: its commands, and how they end."""

import logging
import os
import sys
import traceback
import warnings

import typer

from pipeline.commands import comparisons, evaluation, exports, generation, recipes, records
from pipeline.commands.options import Json, RecipeFile, Set, answer
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

app.command()(recipes.new)
app.command()(recipes.check)


def stage_command(name: str, last: str, about: str) -> None:
    """Add the command `name`, which runs the stages up to `last`."""

    @app.command(name, help=about)
    def command(recipe: RecipeFile, sets: Set, as_json: Json = False) -> None:
        from configs.loading import load
        from pipeline import stages

        facts = stages.run(load(recipe, sets), last)
        answer("\n".join(stages.in_words(facts)), facts, as_json)


stage_command("run", "verify", "Prepare, train, evaluate, export, verify, unless done.")
stage_command("prepare", "prepare", "Turn raw files into token ids, and report on the data.")
stage_command("train", "train", "Train, or go on with a training that was stopped.")
app.command()(evaluation.evaluate)
stage_command("export", "export", "Publish the model as a SavedModel that takes texts.")

app.command()(exports.verify)
app.command()(exports.predict)
app.command()(exports.huggingface)
app.command()(generation.generate)
app.command()(comparisons.compare)
app.command()(comparisons.learning_curve)
app.command()(records.sync)
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)(exports.serve)
app.command()(recipes.doctor)


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
    if not debug:
        warnings.simplefilter("ignore")
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
            case OSError(strerror=str(reason)):  # a full disk, a folder that may not be read, ...
                place = f"{error.filename}: " if error.filename else ""
                status, message = 1, f"textmill: error: {place}{reason}"
            case _:
                raise
        print(message, file=sys.stderr)
        sys.exit(status)


if __name__ == "__main__":
    main()
