"""Replay an export's golden requests and compare the answers with the trained model's.

`python -m pipeline.publishing.verify EXPORT` needs nothing but tensorflow, tensorflow-text and
numpy, so that it also runs on the runtime that TensorFlow Serving links.
"""

import json
import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import artifacts
from pipeline.errors import JobError
from pipeline.publishing.saved_model import Answer, load

GOLDEN = "golden_requests.jsonl"

# The same sums in another order differ by a few units in the last place: of 24 bits of mantissa in
# float32, of 8 in bfloat16, of 11 in float16. (On CPUs a text CNN's differ by 2e-7 in all three.)
TOLERANCES = {"float32": 1e-5, "mixed_bfloat16": 1e-2, "mixed_float16": 1e-3}
# So many of these for the probability of a token: of a small GPT in bfloat16, trained or exported,
# its log-odds are up to 0.04 from those in float32 (0.02 as a standard deviation).
OF_TOKENS = 4


def verify(export_dir: Path) -> float:
    """Check the files of an export, then replay its golden requests in this process.

    Returns:
        The largest difference from the trained model's answers.

    Raises:
        JobError: a file has changed, or an answer differs by more than `tolerance` allows.
    """
    artifacts.check(export_dir)
    return replay(golden_requests(export_dir), load(export_dir), tolerance(export_dir))


def tolerance(export_dir: Path) -> float:
    return TOLERANCES[artifacts.manifest(export_dir)["precision"]]


def golden_requests(export_dir: Path) -> list[dict[str, Any]]:
    """[{"text": ..., "outputs": {...}}, ...], what was asked with the trained model's answers.

    Those to another signature than `serving_default` say so under "signature", and come last.
    """
    with open(export_dir / GOLDEN, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def columns(golden: Sequence[dict[str, Any]]) -> list[list[str]]:
    """What the requests ask with: all their texts, and of pairs all their second ones."""
    return [[r[name] for r in golden] for name in ("text", "second") if name in golden[0]]


def replay(
    golden: Sequence[dict[str, Any]], answer: Answer, tolerance: float = 1e-5, batch_size: int = 32
) -> float:
    """Ask again for every golden answer and compare.

    Numbers are compared by |got - expected| / max(1, |expected|). Labels must be the same, except
    that labels whose expected probabilities lie within `tolerance` of each other may swap places;
    and so must words, tags and what spans they are. Where only the best are told, as of next words,
    another one may take the place of the last; there OF_TOKENS times the tolerance is allowed.

    Returns:
        The largest difference.

    Raises:
        JobError: a difference is above what is allowed, or a label is another one; the message
            shows the worst example.
    """
    differences = []
    for signature, asked in groupby(golden, key=lambda request: request.get("signature")):
        to_it, alike = {"signature": signature} if signature else {}, list(asked)
        for start in range(0, len(alike), batch_size):
            requests = alike[start : start + batch_size]
            answers = answer(*columns(requests), **to_it)
            for i, request in enumerate(requests):
                got = {name: values[i] for name, values in answers.items()}
                allowed = tolerance * (OF_TOKENS if "tokens" in request["outputs"] else 1)
                difference = _difference(
                    request["outputs"], got, allowed, request.get("thresholds")
                )
                differences.append((difference, allowed, request, got))
    worst, allowed, request, got = max(differences, key=lambda found: found[0] / found[1])
    if worst > allowed:
        raise JobError(
            f"answers differ from the trained model's by up to {worst:.3g}, allowed is"
            f" {allowed:g}: for {_asked(request)} expected"
            f" {_shown(request['outputs'])}, got {_shown(got)}. What is served is not what was"
            " trained: do not use this export, make it again with `textmill export`"
        )
    return max(difference for difference, *_ in differences)


def _difference(
    expected: dict[str, Any],
    got: dict[str, Any],
    tolerance: float,
    thresholds: dict[str, float] | None,
) -> float:
    """The largest difference in an answer's numbers, infinite if a label is another one."""
    if expected.keys() != got.keys():
        return np.inf
    if thresholds and not _alike(expected, got, thresholds, tolerance):
        return np.inf
    largest = 0.0
    for name, value in expected.items():
        if thresholds and name != "probabilities":
            continue
        wanted, found = np.asarray(value), np.asarray(got[name])
        text = wanted.dtype.kind == "U"
        if wanted.shape != found.shape:
            return np.inf
        if not wanted.size:
            continue
        if text != (found.dtype.kind == "U"):
            return np.inf
        if text:
            places = np.flatnonzero(wanted != found)
            if not all(_tied(expected, place, tolerance) for place in places):
                return np.inf
        else:
            gaps = np.abs(found - wanted) / np.maximum(1.0, np.abs(wanted))
            largest = max(largest, float(np.max(np.nan_to_num(gaps, nan=np.inf))))
    return largest


def _alike(
    expected: dict[str, Any],
    got: dict[str, Any],
    thresholds: dict[str, float],
    tolerance: float,
) -> bool:
    """Whether a text has the labels that are expected, but for those close to their thresholds,
    with their scores, and the first of them as its one label.
    """
    if np.shape(got["labels"]) != np.shape(got["scores"]):
        return False
    wanted, found = (
        dict(zip(answer["labels"], np.asarray(answer["scores"]).tolist(), strict=True))
        for answer in (expected, got)
    )
    scores = [*found.values(), 0.0]
    first = next(iter(found), "")
    return (
        scores == sorted(scores, reverse=True)
        and (got["label"], float(got["score"])) == (first, scores[0])
        and all(abs(wanted[n] - found[n]) <= tolerance for n in wanted.keys() & found.keys())
        and all(
            abs((wanted | found)[name] - thresholds[name]) <= tolerance
            for name in wanted.keys() ^ found.keys()
        )
    )


def _tied(expected: dict[str, Any], place: Any, tolerance: float) -> bool:
    if "tokens" in expected:
        # Whatever comes after the last one is not known; it may be as likely.
        scores = np.reshape(expected["scores"], (-1, np.shape(expected["scores"])[-1]))
        row, place = divmod(int(place), scores.shape[1])  # of many masks, a row is of one
        last = scores[row, place] - scores[row, -1] <= tolerance
        return last or _as_likely(scores[row], scores[row, place], tolerance)
    if "probabilities" not in expected:
        return False
    return _as_likely(expected["probabilities"], expected["scores"][place], tolerance)


def _as_likely(scores: Sequence[float], score: float, tolerance: float) -> bool:
    """Whether another one is as likely as that of the score."""
    return int(np.sum(np.abs(np.asarray(scores) - score) <= tolerance)) > 1


def _asked(request: dict[str, Any]) -> str:
    return " and ".join(repr(text[:80]) for [text] in columns([request]))


def _shown(outputs: dict[str, Any]) -> str:
    shown = ("label", "score", "value", "loss", "tags", "tokens", "scores")
    return ", ".join(f"{k} {str(outputs[k])[:200]}" for k in shown if k in outputs)


if __name__ == "__main__":
    try:
        print(f"largest difference {verify(Path(sys.argv[1])):.3g}")
    except JobError as error:
        sys.exit(str(error))
