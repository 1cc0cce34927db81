"""The data report as a page for people."""

from typing import Any

import numpy as np

from pipeline.page import COLOURS, figure, fill, page, picture, shortened, spell, table, tiles
from pipeline.prepare import pretraining_report
from pipeline.prepare.report import written

MOST_BARS = 40  # labels that are all drawn; of more
FREQUENT, RAREST = 20, 10  # are
LONGEST = 32  # characters of a label in a picture
Facts = dict[str, Any]

BODY = """
<p class="soft">Prepared from {{ files | length }} file{{ "s" if files | length > 1 }} for
<code>{{ task }}</code>. Lengths are in tokens
{{- "; of pairs, the first texts' and the second texts'" if "second_length" in splits.train }}.</p>
{{ summary | safe }}
{% if remarks %}
<h2>Worth a look</h2>
<ul>{% for remark in remarks %}<li>{{ remark }}</li>{% endfor %}</ul>
{% endif %}
<h2>Splits</h2>
{{ splits_table | safe }}
{% if examples_table %}
<h2>Examples</h2>
{{ examples_table | safe }}
{% endif %}
<h2>Lengths</h2>
{{ lengths_picture | safe }}
{% if labels_picture %}
<h2>{{ "Numbers to predict" if label_edges else "Labels" }}</h2>
{{ labels_picture | safe }}
{{ labels_table | safe }}
{% endif %}
<h2>Repeated texts</h2>
<p>Texts count as equal when they are so after cleaning.</p>
{{ repeats_table | safe }}
{% for name, some in pairs.items() if some %}
<details><summary>the first {{ some | length }} of {{ name.replace("/", " and ") }}</summary>
<table><tr><th>text</th><th>first</th><th>again</th></tr>
{% for one, other in some %}
<tr><td>{{ one.text | truncate(160) }}</td><td>{{ one.file }}:{{ one.line }}<br>{{ one.label }}</td>
<td>{{ other.file }}:{{ other.line }}<br>{{ other.label }}</td></tr>
{% endfor %}
</table></details>
{% endfor %}
<h2>Dead letters</h2>
{% if dead_letters %}
{{ dead_table | safe }}
<p>All of them are in <code>dead_letters/</code> beside this page; the first are</p>
<pre>{{ first_dead_letters | join("\n") }}</pre>
{% else %}
<p>None: every record could be used.</p>
{% endif %}
<h2>Files</h2>
{{ files_table | safe }}
"""


def render(told: Facts) -> str:
    """The HTML page of `pipeline.prepare.report.facts`."""
    splits = told["splits"]
    summary = {split: part["examples"] for split, part in written(told).items()}
    named = isinstance(splits["train"]["labels"], dict)
    pretrains = "pretraining" in splits["train"]
    if named:
        summary["labels"] = len(splits["train"]["labels"])
    summary["dead letters"] = sum(told["dead_letters"].values())
    files = [(f["file"], f["split"], f["records"], f["dead_letters"]) for f in told["files"]]
    body = fill(
        BODY,
        **told,
        summary=tiles(summary),
        splits_table=_splits_table(told),
        examples_table=pretraining_report.shown(splits) if pretrains else "",
        lengths_picture=_lengths(told),
        labels_picture=_labels(splits) if named else _numbers(told),
        labels_table=_labels_table(splits) if named else "",
        repeats_table=_repeats_table(told),
        dead_table=table(("reason", "records"), told["dead_letters"].items()),
        files_table=table(("file", "split", "records", "dead letters"), files),
    )
    return page("Data report", body)


def _splits_table(told: Facts) -> str:
    words = ("words",) if told["task"] == "tag" else ()
    lengths = ("mean length", "median", "95%", "longest")
    records = "documents" if "pretraining" in told["splits"]["train"] else "examples"
    header = ("", records, *words, "tokens", *lengths, "truncated", "unknown tokens")
    rows = [
        (
            split,
            part["examples"],
            *(part[name] for name in words),
            part["tokens"],
            *(_both(part, name) for name in ("mean", "p50", "p95", "longest")),
            f"{part['truncated'] / part['examples']:.1%}",
            f"{part['unknown_rate']:.2%}",
        )
        for split, part in told["splits"].items()
    ]
    return table(header, rows)


def _both(part: Facts, name: str) -> Any:
    """A fact about lengths and, of pairs, the same of the second texts."""
    texts = [part[length] for length in ("length", "second_length") if length in part]
    facts = [round(text[name], 1) for text in texts]
    return facts[0] if len(facts) == 1 else " / ".join(map(str, facts))


def _repeats_table(told: Facts) -> str:
    rows = [(split, told["duplicates"][split], told["dropped"][split]) for split in told["splits"]]
    header = ("within a split", "later copies of a text", "left out, with leaks")
    shared = [
        (name.replace("/", " and "), count)
        for name, count in told["leaks"].items()
        if set(name.split("/")) <= told["splits"].keys()
    ]
    leaks = table(("between splits", "texts in both"), shared) if shared else ""
    return table(header, rows) + leaks


def _lengths(told: Facts) -> str:
    drawn, axes = figure()
    edges = np.array(told["length_edges"])
    for i, (split, part) in enumerate(told["splits"].items()):
        style = {"lw": 1.6, "color": COLOURS[i]}
        axes.stairs(np.array(part["lengths"]) / part["examples"], edges, label=split, **style)
        if "second_lengths" in part:
            share = np.array(part["second_lengths"]) / part["examples"]
            axes.stairs(share, edges, label=f"{split}, second texts", ls=":", **style)
    if told["max_length"] < edges[-1] and "pretraining" not in told["splits"]["train"]:
        axes.axvline(told["max_length"], color="#a8481c", lw=1, ls="--")
        axes.annotate(
            " cut here",
            (told["max_length"], 1),
            xycoords=("data", "axes fraction"),
            va="top",
            color="#a8481c",
        )
    axes.set(
        xlabel="tokens (the longest 1% at the right end)",
        ylabel="share of texts",
        xlim=(0, None),
        ylim=(0, None),
    )
    axes.legend(frameon=False)
    return picture(drawn, "Share of texts by length in tokens, for each split")


def _labels(splits: Facts) -> str:
    """A bar for each label by its name; of many labels, for the most frequent and the rarest."""
    names, note = _by_frequency(splits), ""
    places = np.arange(len(names), dtype=float)
    if len(names) > MOST_BARS:
        note = _left_out(names, splits["train"]["labels"])
        names = [*names[:FREQUENT], *names[-RAREST:]]
        places = np.arange(len(names)) + (np.arange(len(names)) >= FREQUENT)
    what = "words" if "words" in splits["train"] else "examples"
    drawn, axes = figure(height=0.6 + 0.2 * len(names) * (1 + 0.3 * len(splits)))
    thickness = 0.8 / len(splits)
    for i, (split, part) in enumerate(splits.items()):
        shares = [part["labels"][name] / part[what] for name in names]
        axes.barh(places + i * thickness, shares, thickness, label=split)
    axes.set_yticks(places + 0.4 - thickness / 2, [shortened(name, LONGEST) for name in names])
    axes.margins(y=0.01)
    axes.invert_yaxis()
    # Most words of most sentences are no part of a name, and would hide the others.
    counts = list(splits["train"]["labels"].values())
    logarithmic = what == "words" and 2 * max(counts) > sum(counts)
    axes.set_xscale("log" if logarithmic else "linear")
    axes.set_xlabel(f"share of {what}{', on a logarithmic scale' * logarithmic}")
    drawn.legend(loc="outside upper right", ncols=len(splits), frameon=False)
    return note + picture(drawn, f"Share of {what} with each label, for each split")


def _left_out(names: list[str], counts: dict[str, int]) -> str:
    """What a picture of many labels shows, and how often the others stand."""
    between = [counts[name] for name in names[FREQUENT:-RAREST]]
    return fill(
        "<p>The {{ frequent }} most frequent of {{ all }} labels and the {{ rarest }} rarest."
        " Each of the {{ between | length }} between them stands {{ few }} to {{ many }} times in"
        " train.</p>\n",
        frequent=FREQUENT,
        all=len(names),
        rarest=RAREST,
        between=between,
        few=spell(between[-1]),
        many=spell(between[0]),
    )


def _labels_table(splits: Facts) -> str:
    rows = [
        (name, *(part["labels"][name] for part in splits.values()))
        for name in _by_frequency(splits)
    ]
    shown = table(("label", *splits), rows)
    return f"<details><summary>all {len(rows)} labels</summary>{shown}</details>"


def _by_frequency(splits: Facts) -> list[str]:
    counts = splits["train"]["labels"]
    return sorted(counts, key=lambda name: (-counts[name], name))


def _numbers(told: Facts) -> str:
    """Nothing where nothing is to be predicted."""
    if not told["label_edges"]:
        return ""
    drawn, axes = figure()
    for split, part in told["splits"].items():
        shares = np.array(part["labels"]) / part["examples"]
        axes.stairs(shares, told["label_edges"], label=split, lw=1.6)
    axes.set(xlabel="number", ylabel="share of examples", ylim=(0, None))
    axes.legend(frameon=False)
    return picture(drawn, "Share of examples by the number to predict, for each split")
