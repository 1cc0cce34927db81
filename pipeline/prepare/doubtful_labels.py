"""Labels that may be mistakes of the file, in sentences for people who know better."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping

from configs import plain_yaml

MOST = 5  # groups of labels that a sentence names
# What programs write for a value that is not there.
NOTHING = {"nan", "NaN", "None", "null", "NULL", "<NA>", "N/A", "n/a"}


def doubts(counts: Mapping[str, int]) -> list[str]:
    """What of the labels deserves a look. Args: counts, how often each stands in training."""
    return [*_alike(counts), *_minus_one(counts), *_nothing(counts)]


def _alike(counts: Mapping[str, int]) -> list[str]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for label in sorted(counts, key=lambda label: (-counts[label], label)):
        groups[_folded(label)].append(label)
    alike = [group for group in groups.values() if len(group) > 1]
    if not alike:
        return []
    some = alike[:MOST]
    shown = "; ".join(" and ".join(_counted(label, counts) for label in group) for group in some)
    one = {other: kept for kept, *others in some for other in others}
    return [
        f"Labels that differ only in case, blanks or how a number is written are different labels:"
        f" {shown}{' ...' if len(alike) > MOST else ''}. {_setting(one)} makes them one."
    ]


def _folded(label: str) -> str:
    """The same for two labels that a reader would take for one."""
    joined = "".join(unicodedata.normalize("NFKC", label).casefold().split())
    return re.sub(r"^(-?[0-9]+)\.0+$", r"\1", joined)


def _minus_one(counts: Mapping[str, int]) -> list[str]:
    """Hugging Face's data sets write it where a label is not told."""
    written = next((label for label in ("-1", "-1.0") if label in counts), None)
    if written is None or not all(label[0].isdecimal() for label in counts if label != written):
        return []
    return [
        f"Label {_counted(written, counts)} stands among ids from 0 on. If it means that there is"
        f" no label, {_setting({written: None})} leaves these rows out."
    ]


def _nothing(counts: Mapping[str, int]) -> list[str]:
    found = sorted(NOTHING & counts.keys())
    if not found:
        return []
    said = ", ".join(_counted(label, counts) for label in found)
    return [
        f"{said}: a label like any other. If it means that there is no label,"
        f" {_setting(dict.fromkeys(found))} leaves these rows out."
    ]


def _counted(label: str, counts: Mapping[str, int]) -> str:
    return f"{label!r} ({counts[label]:,} times)"


def _setting(names: Mapping[str, str | None]) -> str:
    return f"task.label_names: {plain_yaml.write_inline(dict(names))}"
