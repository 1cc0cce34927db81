"""The model card: what an exported model is, what it learned from, how good it is, how to call it.

Source: Mitchell et al. 2019, https://arxiv.org/abs/1810.03993, for what belongs on one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from configs.recipe import Recipe
from configs.tasks import Span
from pipeline import artifacts
from pipeline.evaluation import thresholds, verdict
from pipeline.evaluation.intervals import spell_ends, spell_value
from pipeline.prepare import left_out, unseen_labels
from pipeline.publishing.how_to_call import how_to_call
from pipeline.tracking import link

TASKS = {
    "classify": "gives {what} one label of {number}",
    "multilabel": "gives {what} any number of {number} labels",
    "regress": "gives {what} a number",
    "tag": "gives each word of {what} one tag of {number}",
    "span": "finds the answer to a question in a context",
    "masked_language_model": "tells what {what} has in place of [MASK]",
    "language_model": "tells how likely {what} is",
}

FITS_NONE = {
    "classify": "gets one all the same",
    "multilabel": "may get some all the same",
    "tag": "gets tags all the same",
}


def model_card(
    recipe: Recipe,
    run_dir: Path,
    prepared: Path,
    labels: list[str],
    version: int,
    inputs: Any,
    signatures: Sequence[str],
) -> str:
    """The card as Markdown. Metrics are those of `run_dir/evaluation`, if there are any.

    Args: inputs, signatures, see `how_to_call`.
    """
    data = artifacts.manifest(prepared)
    rows = "".join(
        f"| {name} | {facts['examples']:,} | {facts['tokens']:,} |\n"
        for name, facts in data["splits"].items()
    )
    kind, pair = recipe.task.kind, inputs.pair
    task = TASKS[kind].format(what="two texts" if pair else "a text", number=len(labels))
    article = "An" if recipe.model.kind[0] in "aelr" else "A"  # an awd_lstm, elmo, lstm, rnn
    beyond = "has no influence" + (" and gets no tag" if kind == "tag" else "")
    if "next" in signatures:
        task += " and what comes next"
        beyond += ". To tell\n  what comes next it reads as many of the last ones"
    return f"""# {recipe.name}, version {version}

{article} {recipe.model.kind} that {task}, trained from `recipe.yaml`
beside this file by the run `{run_dir.name}`.
{_labels(labels)}
## Data

Fingerprint `{data["fingerprint"]}`, from {", ".join(f"`{path}`" for path in recipe.data.train)}.

| split | {"pairs" if pair else "texts"} | tokens |
|---|---:|---:|
{rows}{_left_out(data)}
## Quality

{_metrics(run_dir / "evaluation" / "metrics.json")}{_unseen(prepared)}{_thresholds(run_dir)}
## Limits

- It knows the language, the topics and the style of its training texts. Elsewhere its answers may
  be wrong and its scores high all the same; measure it on your own texts first.
- It reads the first {_read(recipe, inputs)}
  ({recipe.text.tokenizer.kind} tokenizer); what comes after {beyond}.
- {_score_limit(kind)}
- Any text gets an answer, an empty one or one of unknown words only too.

## How to call it

{how_to_call(recipe, version, inputs, signatures, len(labels))}"""


def _read(recipe: Recipe, inputs: Any) -> str:
    if isinstance(recipe.task, Span):
        longest, stride = recipe.task.longest_question, recipe.task.stride
        return (
            f"{longest} tokens of a question, and all of its context: a long one in\n  windows of"
            f" {recipe.text.max_length} tokens with the question, {stride} apart"
        )
    if inputs.wrapping is None:
        return f"{recipe.text.max_length} tokens of {'each' if inputs.pair else 'a'} text"
    if inputs.pair:
        return f"{inputs.wrapping.room(2)} tokens of both texts together, the longer one cut first"
    return f"{inputs.wrapping.room(1)} tokens of a text"


def _left_out(data: dict[str, Any]) -> str:
    told = left_out.sentence(data)
    return f"\n{told} It does not know texts like these.\n" if told else ""


def _labels(labels: list[str]) -> str:
    if not labels:
        return ""
    shown = ", ".join(f"`{label}`" for label in labels[:100])
    return f"\nLabels: {shown}{', ...' if len(labels) > 100 else ''} (all in `labels.json`).\n"


def _metrics(path: Path) -> str:
    if not path.is_file():
        return "Not evaluated: `textmill evaluate` measures it before the export.\n"
    against = verdict.of_run(path.parents[1])
    compared = f"\nOn the same examples {against['words']}.\n" if against else ""
    rows = "".join(
        f"| {name} | {spell_value(m, 1, 4)} | {spell_ends(m, 1, 4)} | {m['n']:,} |\n"
        for name, m in artifacts.read_json(path).items()
    )
    return f"| metric | value | 95% interval | texts |\n|---|---:|---:|---:|\n{rows}{compared}"


def _unseen(prepared: Path) -> str:
    return "".join(f"\n{sentence}\n" for sentence in unseen_labels.sentences(prepared).values())


def _thresholds(run_dir: Path) -> str:
    path = run_dir / verdict.REPORT
    report = artifacts.read_json(path) if path.is_file() else {}
    chosen = report.get("task") == "multilabel" and "thresholds" in report
    return f"\n{thresholds.in_words(report)}\n" if chosen else ""


def _score_limit(kind: str) -> str:
    if kind == "regress":
        return "Its numbers come without a measure of their certainty."
    if kind == "span":
        return (
            "Its answers stand in the context word for word. Scores are shares of the best answers'"
            "\n  probability, the model's own."
        )
    if kind == "masked_language_model":
        return "Scores are the model's own probabilities among the tokens of its vocabulary."
    if kind == "language_model":
        return (
            "Perplexities compare only between models of one vocabulary: tokens that are not in it"
            "\n  count as one, `[UNK]`, and the end of a text counts as one more."
        )
    return (
        f"Its labels are all it can say: a text that fits none {FITS_NONE[kind]}. Scores are the"
        "\n  model's own, and are probabilities only as far as the evaluation's calibration says."
    )


def facts(recipe: Recipe, run_dir: Path, version: int) -> dict[str, Any]:
    """What an export's manifest says of it."""
    linked = link.read(run_dir)
    return {
        "name": recipe.name,
        "version": version,
        "task": recipe.task.kind,
        "precision": recipe.train.precision,
        "run_dir": str(run_dir.resolve()),
        "mlflow_run_id": linked.run_id if linked else None,
    }
