"""The pictures of an evaluation, each from the part of the report that it shows."""

import textwrap
from typing import Any

import numpy as np

from pipeline import page
from pipeline.evaluation.baselines import NAMES
from pipeline.evaluation.scores import TITLES

MOST_CLASSES = 15  # in a confusion matrix that can still be read
WIDE = 42  # characters, of a legend's line
GRID = "#e3e7eb"


def learning(history: list[dict[str, float]], score: str, best_step: int) -> dict[str, Any]:
    """Losses by epoch and, where a score chose the best weights, that score; by name."""
    drawn = {"learning": losses(history)}
    if f"valid_{score}" in history[0]:
        drawn["choice"] = choice(history, score, best_step)
    return drawn


def losses(history: list[dict[str, float]]) -> Any:
    """Losses by epoch."""
    figure, axes = by_epoch("loss")
    epochs = [entry["epoch"] for entry in history]
    lines = {
        "train_loss": "training",
        "valid_loss": "validation",
        "valid_masked_loss": "its hidden tokens",
        "valid_pair_loss": "its pairs",
    }
    for name, label in lines.items():
        if name in history[0]:
            axes.plot(epochs, [entry[name] for entry in history], marker=".", label=label)
    axes.set_ylim(0, None)
    # Beside the lines there may be no room.
    axes.legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
    return figure


def choice(history: list[dict[str, float]], score: str, best_step: int) -> Any:
    """The score that chose the best weights, by epoch."""
    figure, axes = by_epoch(f"validation {TITLES[score]}")
    values = [entry[f"valid_{score}"] for entry in history]
    axes.plot([entry["epoch"] for entry in history], values, marker=".")
    chosen = next(entry for entry in history if entry["step"] == best_step)
    place = chosen["epoch"], chosen[f"valid_{score}"]
    axes.plot(*place, "o", label="chosen", color=page.COLOURS[1])
    axes.legend(frameon=False)
    return figure


def by_epoch(what: str) -> tuple[Any, Any]:
    from matplotlib.ticker import MaxNLocator

    figure, axes = page.figure()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set(xlabel="epoch", ylabel=what)
    return figure, axes


def confusion(matrix: np.ndarray, names: list[str]) -> Any:
    """(C, C) counts, row is label, column is predicted: the classes of the commonest confusions."""
    wrong = matrix - np.diag(np.diag(matrix))
    pairs = np.argsort(-wrong, axis=None, kind="stable")
    # Pair after pair, so that what is confused stands side by side.
    order = np.stack(np.unravel_index(pairs, wrong.shape), axis=1).ravel()
    shown = list(dict.fromkeys(order.tolist()))[:MOST_CLASSES]
    size = 2.2 + 0.38 * len(shown)
    figure, axes = page.figure(width=size + 2.5, height=size)
    axes.imshow(wrong[np.ix_(shown, shown)], cmap="Oranges", vmin=0, vmax=max(1, 1.3 * wrong.max()))
    labels = [page.shortened(names[c], 32) for c in shown]
    axes.set_xticks(range(len(shown)), labels, rotation=55, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(shown)), labels)
    axes.set(xlabel="predicted", ylabel="label")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for (row, column), count in np.ndenumerate(matrix[np.ix_(shown, shown)]):
        if count:
            colour = "#9aa5b1" if row == column else "#1d2733"
            axes.text(column, row, count, ha="center", va="center", color=colour, fontsize=8)
    return figure


def calibration(bins: list[dict[str, Any]], counted: str = "texts") -> dict[str, Any]:
    """Whether to believe the model's confidence, by name. Args: counted, what an answer is for."""
    return {"reliability": reliability(bins), "confidences": confidences(bins, counted)}


def reliability(bins: list[dict[str, Any]]) -> Any:
    """How often the model is right by how confident it is."""
    figure, axes = by_confidence(bins, "accuracy")
    axes.plot([0, 1], [0, 1], "--", color=page.COLOURS[1], label="as often as it says")
    axes.set(ylabel="share that is right", ylim=(0, 1))
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1))
    return figure


def confidences(bins: list[dict[str, Any]], counted: str) -> Any:
    """How many answers there are by how confident the model is."""
    figure, axes = by_confidence(bins, "n")
    axes.set_ylabel(counted)
    return figure


def by_confidence(bins: list[dict[str, Any]], key: str) -> tuple[Any, Any]:
    figure, axes = page.figure()
    middles = [(each["low"] + each["high"]) / 2 for each in bins]
    width = bins[0]["high"] - bins[0]["low"]
    axes.bar(middles, [each[key] for each in bins], width * 0.92)
    axes.set(xlabel="confidence", xlim=(0, 1))
    return figure, axes


def precision_recall(found: dict[str, Any]) -> Any:
    """Precision against recall at every threshold, of the model and of its baselines."""
    figure, axes = page.figure(height=3.6)
    curves = {"this model": found["precision_recall"]}
    for entry in found.get("baselines", []):
        curves[NAMES[entry["baseline"]]] = entry["precision_recall"]
    for name, curve in curves.items():
        label = textwrap.fill(f"{name}, area {area(curve)}", WIDE)
        axes.plot(curve["recall"], curve["precision"], label=label)
    axes.set(xlabel="recall of all labels", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1))
    return figure


def area(curve: dict[str, Any]) -> str:
    found = curve["average_precision"]
    return "undefined" if found is None else f"{100 * found:.1f}%"


def slices(parts: list[dict[str, Any]], overall: dict[str, Any], score: str) -> Any:
    """The score of each part with its interval, beside that of the whole split."""
    figure, axes = page.figure(height=0.9 + 0.27 * len(parts))
    places = np.arange(len(parts))[::-1]
    if overall["low"] is not None:
        axes.axvspan(overall["low"], overall["high"], color=GRID)
    axes.axvline(overall["value"], color="#9aa5b1", linewidth=1)
    values = [part["value"] for part in parts]
    axes.errorbar(values, places, xerr=error_bars(parts), fmt="o", capsize=2)
    names = [f"{part['by']}: {part['part'][:40]}" for part in parts]
    axes.set_yticks(places, names)
    axes.set(xlabel=TITLES[score], ylim=(-0.7, len(parts) - 0.3))
    return figure


def error_bars(estimates: list[dict[str, Any]]) -> np.ndarray:
    """(2, N) lengths below and above the values, 0 where there is no interval."""
    values, low, high = (
        np.array([each[key] for each in estimates], float) for key in ("value", "low", "high")
    )
    # The value of a skewed score may lie outside of its percentiles.
    return np.nan_to_num(np.maximum([values - low, high - values], 0))


def scatter(labels: np.ndarray, values: np.ndarray) -> Any:
    """Predicted against true numbers."""
    figure, axes = page.figure(height=3.2)
    ends = [min(labels.min(), values.min()), max(labels.max(), values.max())]
    axes.plot(ends, ends, color="#9aa5b1", linestyle="--", linewidth=1)
    # As an image: an element for each of many points would make a page of megabytes.
    axes.plot(labels, values, ".", markersize=3, alpha=0.5, rasterized=True)
    axes.set(xlabel="label", ylabel="predicted")
    return figure


def errors(labels: np.ndarray, values: np.ndarray, counted: str) -> Any:
    """How the errors of predicted numbers are spread. Args: counted, of what."""
    figure, axes = page.figure(height=3.2)
    axes.hist(values - labels, bins=40)
    axes.set(xlabel="predicted - label", ylabel=counted)
    return figure


def alignments(entry: dict[str, Any]) -> tuple[Any, Any]:
    """At which tokens of the other text each token looked: the first text's, and the second's."""
    of_first, of_second = np.array(entry["alignment"]), np.array(entry["second_alignment"]).T
    most = max(of_first.max(), of_second.max())
    return (
        alignment(entry, of_first, most, "the first text looks: rows add up to 1"),
        alignment(entry, of_second, most, "the second text looks: columns do"),
    )


def alignment(entry: dict[str, Any], weights: np.ndarray, most: float, title: str) -> Any:
    """Args: weights, (F, S) of the first and the second text; most, that any picture shows."""
    rows, columns = weights.shape
    figure, axes = page.figure(height=1.5 + 0.15 * rows)
    image = axes.imshow(weights, cmap="Oranges", vmin=0, vmax=most, aspect="auto")
    axes.set_xticks(range(columns), entry["second_tokens"][:columns], rotation=90)
    axes.set_yticks(range(rows), entry["tokens"][:rows])
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set(fontsize=8)
    axes.set_title(title, fontsize=9)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(named("second text", entry["second_tokens"], columns))
    axes.set_ylabel(named("first text", entry["tokens"], rows))
    figure.colorbar(image, label="weight").outline.set_visible(False)
    return figure


def named(name: str, tokens: list[str], shown: int) -> str:
    return name if shown == len(tokens) else f"{name}, {shown} of {len(tokens)} tokens"
