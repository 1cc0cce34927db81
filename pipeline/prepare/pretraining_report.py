"""The part of the data report that is about the examples of a masked language model."""

from collections.abc import Iterator, Sequence
from typing import Any

from configs.tasks import MaskedLanguageModel
from pipeline.page import table
from pipeline.prepare.pretraining_statistics import PretrainingStatistics
from pipeline.prepare.statistics import distribution

Facts = dict[str, Any]


def facts(task: MaskedLanguageModel, length: int, made: Sequence[Facts], split: str) -> Facts:
    """What is added to a split's facts, which count documents.

    `fill` is the share of an example's length that is not padding, `other` that of second texts
    which do not follow; the shares of static masks are of all that may be masked and of the masked.

    Args: length, of an example with its padding.
    """
    total = PretrainingStatistics.total([fact["pretraining"][split] for fact in made])
    documents = [fact["documents"][split] for fact in made]
    found: Facts = {
        "examples": total.examples,
        "tokens": total.tokens,
        "length": distribution(total.lengths) if total.examples else {},
        "fill": total.tokens / max(1, total.examples * length),
    }
    if task.pairs != "none":
        found["other"] = total.other / max(1, total.examples)
    if task.masking.static:
        found["masked"] = total.masked / max(1, total.free)
        for name in ("hidden", "exchanged"):
            found[name] = getattr(total, name) / max(1, total.masked)
    counted = {name: sum(part[name] for part in documents) for name in ("sentences", "single")}
    return {**counted, "pretraining": found}


def remarks(splits: Facts, task: MaskedLanguageModel) -> Iterator[str]:
    for split, part in splits.items():
        if task.pairs != "none" and part["single"] > 0.01 * part["examples"]:
            use = "are only drawn as second texts" if task.pairs == "next" else "are left out"
            yield (
                f"{part['single']:,} of {part['examples']:,} documents of {split} have only one"
                f" sentence, and a pair needs two: they {use} (task.pairs none takes all texts)."
            )


def shown(splits: Facts) -> str:
    """A table of all splits."""
    rows = []
    for split, part in splits.items():
        made = part["pretraining"]
        length = made["length"] or {"mean": 0.0, "p50": 0}
        masks = "anew in each epoch"
        if "masked" in made:
            stay = 1 - made["hidden"] - made["exchanged"]
            fates = " / ".join(f"{s:.1%}" for s in (made["hidden"], made["exchanged"], stay))
            masks = f"{made['masked']:.2%}: {fates}"
        rows.append(
            (
                split,
                part["sentences"],
                made["examples"],
                made["tokens"],
                round(length["mean"], 1),
                length["p50"],
                f"{made['fill']:.1%}",
                f"{made['other']:.1%}" if "other" in made else "no pairs",
                masks,
            )
        )
    header = ("", "sentences", "examples", "tokens", "mean length", "median", "not padding")
    return table((*header, "second text elsewhere", "masked: [MASK] / other token / same"), rows)
