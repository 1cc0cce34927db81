"""What a model with attention looked at, for its report: each token shaded by its weight."""

import math
from typing import Any

from pipeline import page

DARKEST = 16  # times an even share of the weights

SECTION = """
{% macro shaded(token, weight, dark) %}
<span{% if weight %} title="{{ weight }}"{% endif %}{% if dark %} style="background:
{{- "rgba(217,130,43,%.2f)" | format(dark) }};color:var(--ink);padding:.1em;
margin:0 -.1em;border-radius:3px"{% endif %}>{{ token }}</span>
{%- endmacro %}
<h2>What it looked at</h2>
{% if weighted %}
<p class="soft">Of the vectors of a text's tokens the model took {{ "a weighted mean" if hops == 1
else "%d weighted means, its hops" % hops }}. The darker a token, the more
its weight exceeds an even share:
{% for times, dark in legend %}{{ shaded(times, times, dark) }} {% endfor %}
Point at a token for its weight.</p>
{% endif %}
{% if aligned %}
<p class="soft">{{ "Before that, each" if weighted else "Each" }} token looked at the tokens of the
other text, with the weights in the pictures.</p>
{% endif %}
<p class="soft">Weights do not say why the model answered as it did: others may lead to the same
answer (<a href="https://arxiv.org/abs/1902.10186">Jain and Wallace 2019</a>), and whether they
explain it depends on what one calls an explanation
(<a href="https://arxiv.org/abs/1908.04626">Wiegreffe and Pinter 2019</a>).</p>
{% for title, some in groups if some %}
<h3>{{ title }}</h3>
{% for entry in some %}
<p style="margin-top:1.2rem">label <b>{{ entry.label }}</b>, predicted
<b>{{ entry.predicted }}</b></p>
{% for name, tokens in entry.lines %}
<p style="margin:.2rem 0 .2rem 1.2rem;line-height:1.8">
{% if name %}<span class="soft">{{ name }}:</span>{% endif %}

{% for token in tokens %}{{ shaded(*token) }} {% endfor %}</p>
{% endfor %}
{{ entry.picture | safe }}
{% endfor %}
{% endfor %}
"""


def write(report: dict[str, Any], pictures: dict[str, str]) -> str:
    """The section, empty if the model has no attention. Args: pictures, as HTML by name."""
    entries = report.get("attention", [])
    if not entries:
        return ""
    groups = [("Worst mistakes", True), ("Right answers, drawn at random", False)]
    if report["task"] == "regress":
        groups[1] = ("Answers nearer than most, drawn at random", False)
    return page.fill(
        SECTION,
        legend=[
            (f"{times}\N{NO-BREAK SPACE}times", darkness(times)) for times in (2, 4, 8, DARKEST)
        ],
        weighted="attention" in entries[0],
        hops=len(entries[0].get("attention", [])),
        aligned="alignment" in entries[0],
        groups=[
            (title, [shown(entry, pictures) for entry in entries if entry["mistake"] == mistake])
            for title, mistake in groups
        ],
    )


def shown(entry: dict[str, Any], pictures: dict[str, str]) -> dict[str, Any]:
    name = entry.get("picture", "")
    return {
        **{key: spelled(entry[key]) for key in ("label", "predicted")},
        "lines": lines(entry),
        "picture": pictures.get(name, "") + pictures.get(f"{name}_second", ""),
    }


def lines(entry: dict[str, Any]) -> list[tuple[str, list[tuple[str, str, float]]]]:
    """What stands before a line, and its tokens, their weights and darkness: a line for each mean.

    A pair without weights has a line for each text all the same.
    """
    found = []
    for name, prefix in (("first", ""), ("second", "second_")):
        if f"{prefix}tokens" not in entry:
            continue
        tokens = [visible(token) for token in entry[f"{prefix}tokens"]]
        means = entry.get(f"{prefix}attention", [None])
        for number, weights in enumerate(means, 1):
            names = [name] * ("second_tokens" in entry) + [f"hop {number}"] * (len(means) > 1)
            found.append((", ".join(names), weighed(tokens, weights)))
    return found


def weighed(tokens: list[str], weights: list[float] | None) -> list[tuple[str, str, float]]:
    if weights is None:
        return [(token, "", 0.0) for token in tokens]
    return [
        (token, f"{weight:.3f}", darkness(weight * len(tokens)))
        for token, weight in zip(tokens, weights, strict=True)
    ]


def darkness(times: float) -> float:
    """From 0 for an even share to 0.9, each doubling as much darker as the one before."""
    return 0.9 * min(1.0, math.log(max(times, 1.0), DARKEST))


def visible(token: str) -> str:
    """A token that is a space must be seen as well."""
    return token if token.strip() else "\N{OPEN BOX}"


def spelled(value: Any) -> str:
    return ", ".join(value) or "none" if isinstance(value, list) else page.spell(value)
