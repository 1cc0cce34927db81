"""The command that lets a language model write: generate."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import Json, answer


def generate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A language model's run folder.")],
    prompt: Annotated[str, typer.Option(help="How the text begins.")] = "",
    tokens: Annotated[int, typer.Option(min=1, help="How many to write at most.")] = 100,
    temperature: Annotated[
        float, typer.Option(min=0.0, help="Above 1 bolder, below 1 safer, 0 always the likeliest.")
    ] = 1.0,
    top_k: Annotated[
        int | None, typer.Option(min=1, help="Choose among so many of the likeliest.")
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Choose among the likeliest that sum to this."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another one, another text.")] = 1,
    unknown: Annotated[bool, typer.Option("--unknown", help="Let it write [UNK].")] = False,
    as_json: Json = False,
) -> None:
    """Let a trained language model write on."""
    from pipeline.quiet import import_tensorflow

    import_tensorflow()
    from pipeline.generation import Sampling, generate

    sampling = Sampling(temperature, top_k, top_p, seed)
    facts = generate(run, prompt, tokens, sampling, unknown)
    answer(facts["text"], facts, as_json)
