"""The data report as facts: what was read, what came of it, and what deserves a look."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from configs.recipe import Recipe
from configs.tasks import MaskedLanguageModel
from pipeline.prepare import left_out, notes, pretraining_report, unseen_labels
from pipeline.prepare.dead_letters import reasons
from pipeline.prepare.doubtful_labels import doubts
from pipeline.prepare.inputs import SPLITS, Unit
from pipeline.prepare.labels import Labels
from pipeline.prepare.plans import Plan
from pipeline.prepare.statistics import Statistics, distribution

LENGTH_BINS = 40
Facts = dict[str, Any]
OTHERS = {  # what to try where many tokens are unknown, by kind of tokenizer
    "word": ", or WordPiece or SentencePiece",
    "wordpiece": ", or SentencePiece",
    "sentencepiece": ", or character_coverage",
    "character": "",
}


def facts(
    recipe: Recipe,
    units: Sequence[Unit],
    labels: Labels,
    scans: Sequence[Facts],
    made: Sequence[Facts],
    planned: Plan,
) -> Facts:
    """Put together what both passes found; the same for any runner."""
    whole = {
        split: Statistics.total([fact["statistics"][split] for fact in made]) for split in SPLITS
    }
    task = recipe.task.kind
    present = {split: _split(part, labels, task) for split, part in whole.items() if part.examples}
    most = max(_most(part, "p99") for part in present.values())
    width = most // LENGTH_BINS + 1
    edges = list(range(0, most + 1 + width, width))
    for split, part in present.items():
        part["lengths"] = _histogram(whole[split].lengths, edges)
        if "second_length" in part:
            part["second_lengths"] = _histogram(whole[split].second_lengths, edges)
    told: Facts = {
        "files": [
            {
                "file": unit.name,
                "split": unit.split,
                "records": scan["records"],
                "dead_letters": sum(scan["bad"].values()),
            }
            for unit, scan in zip(units, scans, strict=True)
        ],
        "task": task,
        "max_length": recipe.text.max_length,
        "length_edges": edges,
        "label_edges": labels.edges,
        "splits": present,
        "duplicates": planned.repeats.duplicates,
        "leaks": planned.repeats.leaks,
        "dropped": planned.dropped,
        "pairs": planned.pairs([fact["shown"] for fact in made]),
        "dead_letters": dict(sorted(reasons(scans).items())),
        "first_dead_letters": [where for scan in scans for where in scan["first_bad"]][:20],
    }
    told["remarks"] = [*notes.in_words(scans), *remarks(told, recipe)]
    if isinstance(recipe.task, MaskedLanguageModel):
        for split, part in present.items():
            part |= pretraining_report.facts(recipe.task, told["max_length"], made, split)
        told["remarks"] += pretraining_report.remarks(present, recipe.task)
    return told


def written(told: Facts) -> dict[str, Facts]:
    """Of each split the facts of what is in its shards: examples and tokens."""
    return {split: part.get("pretraining", part) for split, part in told["splits"].items()}


def _split(statistics: Statistics, labels: Labels, task: str) -> Facts:
    second = statistics.second_lengths
    return {
        "examples": statistics.examples,
        "tokens": statistics.tokens,
        "unknown_rate": statistics.unknown / max(1, statistics.tokens),
        "truncated": statistics.truncated,
        "without_tokens": statistics.empty,
        "length": distribution(statistics.lengths),
        **({"second_length": distribution(second)} if second else {}),
        **({"words": statistics.labels.total()} if task == "tag" else {}),
        "labels": {name: statistics.labels[i] for i, name in enumerate(labels.names)}
        or [statistics.labels[i] for i in range(len(labels.edges) - 1)],
        **unseen_labels.of_split(statistics, labels),
    }


def _most(part: Facts, quantile: str) -> int:
    """Of the texts or, for pairs, of those that are longer."""
    return max(part[name][quantile] for name in ("length", "second_length") if name in part)


def _histogram(counts: Counter[int], edges: list[int]) -> list[int]:
    """How many texts are in each bin of lengths; the last one holds all longer texts too."""
    lengths = np.array(list(counts))
    places = np.searchsorted(edges, np.minimum(lengths, edges[-1] - 1), "right") - 1
    return np.bincount(places, list(counts.values()), len(edges) - 1).astype(int).tolist()


def remarks(told: Facts, recipe: Recipe) -> list[str]:
    """What a careful reader would stop at, with what can be done."""
    records = sum(file["records"] for file in told["files"])
    lost = left_out.sentence({"records": records, "dead_letters": told["dead_letters"]})
    found, data = [lost] * bool(lost), recipe.data
    train = told["splits"]["train"]
    for pair, count in told["leaks"].items():
        one, other = pair.split("/")
        if count and one == "train" and data.drop_leaks:
            found.append(f"{count:,} texts of {other} also stood in train and were left out there.")
        elif count:
            advice = " (data.drop_leaks leaves them out of train)" if one == "train" else ""
            found.append(
                f"{count:,} texts of {other} also stand in {one}: scores on {other} look better"
                f" than they are{advice}."
            )
    share = told["duplicates"]["train"] / train["examples"]
    if share > 0.01 and not data.drop_duplicates:
        found.append(f"{share:.1%} of train repeat other texts there (data.drop_duplicates).")
    if (share := train["truncated"] / train["examples"]) > 0.1:
        found.append(
            f"{share:.0%} of the training texts are longer than text.max_length ="
            f" {told['max_length']}; 95% would fit into {_most(train, 'p95')} tokens."
        )
    for split, part in told["splits"].items():
        if "unseen" in part:
            found.append(unseen_labels.in_words(split, part["unseen"], part["examples"]))
        if part["unknown_rate"] > 0.05:
            found.append(
                f"{part['unknown_rate']:.1%} of the tokens of {split} are not in the vocabulary:"
                f" try a larger text.tokenizer.size{OTHERS[recipe.text.tokenizer.kind]}."
            )
        if part["without_tokens"]:
            found.append(f"{part['without_tokens']:,} texts of {split} hold no token at all.")
    if isinstance(train["labels"], dict):
        counted = Counter[str]()
        for part in told["splits"].values():
            counted.update(part["labels"])
        found += doubts(counted)
        few = [name for name, count in train["labels"].items() if count < 10]
        if few:
            found.append(
                f"{len(few)} of {len(train['labels'])} labels have fewer than 10 training"
                f" {'words' if 'words' in train else 'examples'}:"
                f" {', '.join(few[:5])}{' ...' if len(few) > 5 else '.'}"
            )
        counts = [count for count in train["labels"].values() if count]
        # Most words of most sentences are no names: that says nothing about tags.
        if max(counts) > 20 * min(counts) and "words" not in train:
            found.append(
                f"The most frequent label stands {max(counts) // min(counts)} times as often as the"
                " rarest: look at macro F1 beside accuracy, and at task.class_weights."
            )
    return found
