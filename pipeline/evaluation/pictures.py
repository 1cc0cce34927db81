"""The pictures of an evaluation, each from the part of the report that it shows."""

from typing import Any

import numpy as np

from pipeline import page
from pipeline.evaluation.baselines import NAMES
from pipeline.evaluation.scores import TITLES

MOST_CLASSES = 15  # in a confusion matrix that can still be read
GRID = "#e3e7eb"


def learning_curve(history: list[dict[str, float]], score: str, best_step: int) -> Any:
    """Losses by epoch, and the score that chose the best weights."""
    from matplotlib.ticker import MaxNLocator

    figure, (left, right) = page.figure(2)
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    epochs = [entry["epoch"] for entry in history]
    lines = {
        "train_loss": "training",
        "valid_loss": "validation",
        "valid_masked_loss": "its hidden tokens",
        "valid_pair_loss": "its pairs",
    }
    for name, label in lines.items():
        if name in history[0]:
            left.plot(epochs, [entry[name] for entry in history], marker=".", label=label)
    left.set(xlabel="epoch", ylabel="loss", ylim=(0, None))
    # Beside the lines there may be no room.
    left.legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
    name = f"valid_{score}"
    if name in history[0]:
        right.plot(epochs, [entry[name] for entry in history], marker=".")
        chosen = next(entry for entry in history if entry["step"] == best_step)
        right.plot(chosen["epoch"], chosen[name], "o", label="chosen", color=page.COLOURS[1])
        right.set(xlabel="epoch", ylabel=f"validation {TITLES[score]}")
        right.legend(frameon=False)
    else:
        right.set_axis_off()
    return figure


def confusion(matrix: np.ndarray, names: list[str]) -> Any:
    """(C, C) counts, row is label, column is predicted: the classes of the commonest confusions."""
    wrong = matrix - np.diag(np.diag(matrix))
    pairs = np.argsort(-wrong, axis=None, kind="stable")
    # Pair after pair, so that what is confused stands side by side.
    order = np.stack(np.unravel_index(pairs, wrong.shape), axis=1).ravel()
    shown = list(dict.fromkeys(order.tolist()))[:MOST_CLASSES]
    size = 2.2 + 0.38 * len(shown)
    figure, axes = page.figure(1, width=min(9.0, size + 2.5), height=size)
    axes.imshow(wrong[np.ix_(shown, shown)], cmap="Oranges", vmin=0, vmax=max(1, 1.3 * wrong.max()))
    labels = [names[c] if len(names[c]) <= 32 else names[c][:31] + "…" for c in shown]
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


def reliability(bins: list[dict[str, Any]], counted: str = "texts") -> Any:
    """How often the model is right by how confident it is, and how many answers there are of each.

    Args: counted, what an answer is for.
    """
    figure, (left, right) = page.figure(2)
    middles = [(b["low"] + b["high"]) / 2 for b in bins]
    width = bins[0]["high"] - bins[0]["low"]
    left.bar(middles, [b["accuracy"] for b in bins], width * 0.92)
    left.plot([0, 1], [0, 1], "--", color=page.COLOURS[1], label="as often as it says")
    left.set(xlabel="confidence", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
    left.legend(frameon=False, loc="upper left")
    right.bar(middles, [b["n"] for b in bins], width * 0.92)
    right.set(xlabel="confidence", ylabel=counted, xlim=(0, 1))
    return figure


def precision_recall(found: dict[str, Any]) -> Any:
    """Precision against recall at every threshold, of the model and of its baselines."""
    figure, axes = page.figure(1, width=6.0, height=3.6)
    curves = {"this model": found["precision_recall"]}
    for entry in found.get("baselines", []):
        curves[NAMES[entry["baseline"]]] = entry["precision_recall"]
    for name, curve in curves.items():
        label = f"{name}: average precision {100 * curve['average_precision']:.1f}%"
        axes.plot(curve["recall"], curve["precision"], label=label)
    axes.set(xlabel="recall of all labels", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    figure.legend(loc="outside lower center", frameon=False)
    return figure


def slices(parts: list[dict[str, Any]], overall: dict[str, Any], score: str) -> Any:
    """The score of each part with its interval, beside that of the whole split."""
    figure, axes = page.figure(1, height=0.9 + 0.27 * len(parts))
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


def scatter(labels: np.ndarray, values: np.ndarray, counted: str) -> Any:
    """Predicted against true numbers, and how the errors are spread. Args: counted, of what."""
    figure, (left, right) = page.figure(2, height=3.2)
    ends = [min(labels.min(), values.min()), max(labels.max(), values.max())]
    left.plot(ends, ends, color="#9aa5b1", linestyle="--", linewidth=1)
    left.plot(labels, values, ".", markersize=3, alpha=0.5)
    left.set(xlabel="label", ylabel="predicted")
    right.hist(values - labels, bins=40)
    right.set(xlabel="predicted - label", ylabel=counted)
    return figure


def alignment(entry: dict[str, Any]) -> Any:
    """At which tokens of the other text each token looked: the first text's, and the second's."""
    of_first, of_second = np.array(entry["alignment"]), np.array(entry["second_alignment"]).T
    rows, columns = of_first.shape
    figure, axes = page.figure(2, height=1.5 + 0.15 * rows)
    most = max(of_first.max(), of_second.max())
    titles = ("the first text looks: rows add up to 1", "the second text looks: columns do")
    for axis, weights, title in zip(axes, (of_first, of_second), titles, strict=True):
        image = axis.imshow(weights, cmap="Oranges", vmin=0, vmax=most, aspect="auto")
        axis.set_xticks(range(columns), entry["second_tokens"][:columns], rotation=90)
        axis.set_yticks(range(rows), entry["tokens"][:rows])
        for label in (*axis.get_xticklabels(), *axis.get_yticklabels()):
            label.set(fontsize=8)
        axis.set_title(title, fontsize=9)
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        axis.set_xlabel(named("second text", entry["second_tokens"], columns))
    axes[0].set_ylabel(named("first text", entry["tokens"], rows))
    figure.colorbar(image, ax=axes, label="weight").outline.set_visible(False)
    return figure


def named(name: str, tokens: list[str], shown: int) -> str:
    return name if shown == len(tokens) else f"{name}, {shown} of {len(tokens)} tokens"
