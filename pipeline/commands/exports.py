"""Commands that use what was trained: verify, predict, huggingface, serve."""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from pipeline.commands.options import Json, Set, answer

ExportFolder = Annotated[
    Path, typer.Argument(metavar="EXPORT", help="A model's folder, or that of one of its versions.")
]


def verify(
    export: ExportFolder,
    url: Annotated[str | None, typer.Option(help="Ask this REST server.")] = None,
    grpc: Annotated[str | None, typer.Option(help="Ask this gRPC server, HOST:PORT.")] = None,
    as_json: Json = False,
) -> None:
    """Compare an export's answers with the trained model's."""
    from pipeline.publishing.serving_files import newest

    export = newest(export)
    if url or grpc:
        asked = [*(["--url", url] if url else []), *(["--grpc", grpc] if grpc else [])]
        _become("serving.verify", str(export), *asked, *(["--json"] if as_json else []))
    from pipeline.quiet import import_tensorflow

    import_tensorflow()
    from pipeline.publishing.verify import verify

    facts = {"export_dir": str(export), "largest_difference": verify(export)}
    answer(f"largest difference {facts['largest_difference']:.3g}", facts, as_json)


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
    all_scores: Annotated[
        bool, typer.Option("--all-scores", help="A column with the score of each label.")
    ] = False,
    escape: Annotated[
        bool,
        typer.Option(
            "--escape-formulas/--keep-formulas",
            help="Put ' before CSV cells that a spreadsheet would run.",
        ),
    ] = True,
    as_json: Json = False,
) -> None:
    """Answer every row of files, on Beam.

    Of the settings, those of beam apply, and data.format, encoding, delimiter, quoting and header.
    """
    from configs.loading import load
    from pipeline.publishing.serving_files import newest
    from pipeline.quiet import import_tensorflow

    folder = newest(export)
    recipe = load(folder / "recipe.yaml", sets)
    import_tensorflow()
    from pipeline.prepare.dialects import Dialect
    from pipeline.publishing.predict import Form, in_words, predict

    written, form = Dialect.of(recipe.data), Form(all_scores, escape)
    facts = predict(folder, input, output, recipe.beam, column, recipe.data.format, written, form)
    said = f"{output} has {facts['rows']:,} rows, {facts['predicted']:,} of them answered"
    if facts["dead_letters"]:
        said += f", the others not: {in_words(facts['dead_letters'])}"
    if facts["unread"]:
        said += f"; {facts['unread']:,} rows have more words than the model reads"
    answer(said, facts, as_json)


def huggingface(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's or an export's folder.")],
    output: Annotated[Path, typer.Option(help="Folder to write; not there yet.")],
    as_json: Json = False,
) -> None:
    """Write a trained BERT as a folder for transformers."""
    from pipeline import earlier_weights
    from pipeline.huggingface.writing import write
    from pipeline.quiet import import_tensorflow

    import_tensorflow()
    config = write(earlier_weights.read(earlier_weights.on_disk(run)), output)
    architecture = config["architectures"][0]
    answer(f"{architecture} is in {output}", {"architecture": architecture}, as_json)


def serve(context: typer.Context) -> None:
    """Serve a folder of models; `serve --help` has the options."""
    _become("serving.server", *context.args)


def _become(module: str, *arguments: str) -> NoReturn:
    """Replace this process, so that signals reach the module itself."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])
