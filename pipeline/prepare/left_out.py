"""How much of the data was left out: said wherever it is said how good a model is."""

from collections.abc import Mapping
from typing import Any

WORTH_SAYING = 0.01  # of all records
REASONS = 3  # that are named


def share(prepared: Mapping[str, Any]) -> float:
    """Of all records that were read. Args: prepared, the manifest of prepared data."""
    return sum(prepared["dead_letters"].values()) / max(1, prepared["records"])


def sentence(prepared: Mapping[str, Any]) -> str:
    """What share of the records a model does not know, and why; "" where that is next to none."""
    found = share(prepared)
    if found <= WORTH_SAYING:
        return ""
    counts = sorted(prepared["dead_letters"].items(), key=lambda item: -item[1])
    why = ", ".join(f"{count:,} {reason}" for reason, count in counts[:REASONS])
    more = " and more" * (len(counts) > REASONS)
    return (
        f"{found:.1%} of the records were left out, {sum(n for _, n in counts):,} of"
        f" {prepared['records']:,}: {why}{more}."
    )
