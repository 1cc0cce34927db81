"""Commands that use what was trained: verify, predict, huggingface, serve."""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from pipeline.commands.options import Json, Set, answer

ExportFolder = Annotated[Path, typer.Argument(metavar="EXPORT", help="A model's version folder.")]


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
    as_json: Json = False,
) -> None:
    """Answer every row of files, on Beam.

    Of the settings, those of beam apply, and data.format, encoding, delimiter, quoting and header.
    """
    from configs.loading import load
    from pipeline.quiet import import_tensorflow

    recipe = load(export / "recipe.yaml", sets)
    import_tensorflow()
    from pipeline.prepare.dialects import Dialect
    from pipeline.publishing.predict import predict

    written = Dialect.of(recipe.data)
    facts = predict(export, input, output, recipe.beam, column, recipe.data.format, written)
    answer(
        f"{facts['predicted']:,} of {facts['rows']:,} rows are answered in {output}", facts, as_json
    )


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
