"""What a look found in the files of a split, in words."""

import math
from collections import Counter
from collections.abc import Mapping

from pipeline.recipes.look import Look

SHOWN = 5  # labels that are named


def rows(found: Look, train: Look | None = None) -> str:
    """How many rows can be used, why others cannot, and which labels training lacks.

    Args: train, the look at the training files, for those of another split.
    """
    told = [f"{found.examples:,} usable rows"]
    if found.bad:
        told.append("not usable: " + _counts(found.bad, "with {name}"))
    if found.repeated:
        about = "" if found.whole else "about "
        told.append(f"{about}{found.repeated:,} repeat an earlier text")
    if train is not None and (unseen := found.labels.keys() - train.labels.keys()):
        counts = {label: found.labels[label] for label in unseen}
        told.append(
            f"labels that training lacks, which will count as wrong: {_counts(counts, '{name!r}')}"
        )
    if not found.whole:
        told.append(f"words were counted in a sample, {100 * found.share:.2g}% of the texts")
    return "; ".join(told)


def too_many_bad(looks: Mapping[str, Look], share: float, most: float) -> str:
    """Why no recipe is written, and what can be done. Args: share, of bad rows; most, allowed."""
    bad: Counter[str] = sum((found.bad for found in looks.values()), Counter())
    first = {reason: at for found in looks.values() for reason, at in found.first_bad.items()}
    each = "".join(
        f"\n  {number:,} with {why}, as {first[why]}" for why, number in bad.most_common()
    )
    return (
        f"{share:.1%} of the rows cannot be used, more than {100 * most:g}%, and a model would not"
        f" learn what they have in common:{each}\nMend them, or say how the files are written"
        " (--encoding, --delimiter, --quoting) or another column, or leave them out by --max-bad"
        f" {min(1.0, math.ceil(100 * share + 1) / 100):g}"
    )


def _counts(counts: Mapping[str, int], form: str) -> str:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{number:,} {form.format(name=name)}" for name, number in ranked[:SHOWN]]
    more = [f"and {len(ranked) - SHOWN:,} more"] if len(ranked) > SHOWN else []
    return ", ".join([*named, *more])
