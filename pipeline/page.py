"""The HTML pages that stages leave for people: one file each, pictures inside, nothing to fetch."""

import html
import io
import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from jinja2 import Environment

LONG = 60  # characters, that a narrow screen does not squeeze into a word a line
SILENT = ("Creator", "Date", "Format", "Type")  # what matplotlib would say of itself in an SVG
COLOURS = ("#2f6f9f", "#d9822b", "#5a8f5a", "#a85c7a", "#7d7d7d")

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
:root { --ink: #1d2733; --soft: #66727f; --line: #e3e7eb; --paper: #fff; --accent: #2f6f9f;
        --warn: #a8481c; }
* { box-sizing: border-box; }
body { margin: 0; background: #f4f6f8; color: var(--ink);
       font: 15px/1.55 system-ui, "Segoe UI", "Helvetica Neue", "DejaVu Sans", sans-serif; }
main { max-width: 60rem; margin: 2rem auto; padding: 2rem 2.5rem 3rem; background: var(--paper);
       border: 1px solid var(--line); border-radius: 8px; }
h1 { margin: 0 0 .3rem; font-size: 1.7rem; line-height: 1.25; }
h2 { margin: 2.4rem 0 .6rem; padding-top: 1.2rem; border-top: 1px solid var(--line);
     font-size: 1.2rem; }
h3 { margin: 1.4rem 0 .4rem; font-size: 1rem; }
p, ul { margin: .5rem 0; max-width: 46rem; }
.soft { color: var(--soft); }
.warn { color: var(--warn); font-weight: 600; }
.scroll { overflow-x: auto; }
table { margin: .6rem 0; border-collapse: collapse; font-size: .92rem; }
th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left;
         vertical-align: top; overflow-wrap: break-word; max-width: 38rem; }
th { color: var(--soft); font-weight: 600; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { white-space: nowrap; }
td.long { min-width: 14rem; overflow-wrap: anywhere; }
.picture { display: inline-block; max-width: 100%; overflow-x: auto; vertical-align: top; }
.picture svg { display: block; max-width: 100%; min-width: var(--least); height: auto;
               overflow: visible; margin: .6rem 0; }
code, pre { font: .88em/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
pre { padding: .8rem 1rem; background: #f4f6f8; border-radius: 6px; overflow-x: auto; }
details > summary { cursor: pointer; color: var(--accent); }
.tiles { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1.2rem 0; }
.tiles div { flex: 1 1 8rem; padding: .7rem 1rem; border: 1px solid var(--line);
             border-radius: 6px; }
.tiles b { display: block; font-size: 1.35rem; line-height: 1.3; }
.tiles span { color: var(--soft); font-size: .85rem; }
@media (max-width: 40rem) { main { margin: 0; padding: 1rem 1rem 2rem; border: 0; } }
</style>
</head>
<body>
<main>
<h1>{{ title }}</h1>
{{ body | safe }}
</main>
</body>
</html>
"""

# Autoescaping is for what comes from data; a body is HTML that our own templates made.
ENVIRONMENT = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)


def page(title: str, body_html: str) -> str:
    """A whole HTML page around a body. The title is escaped, the body is not."""
    return fill(PAGE, title=title, body=body_html)


def fill(template: str, **values: Any) -> str:
    """Fill a Jinja template; values are escaped unless the template says `| safe`."""
    return ENVIRONMENT.from_string(template).render(**values)


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """An HTML table; cells are escaped, numbers are set flush right."""
    rows = [tuple(row) for row in rows]
    numeric = [
        bool(rows) and all(isinstance(row[i], int | float) for row in rows)
        for i in range(len(header))
    ]

    def cell(tag: str, value: Any, number: bool) -> str:
        text = spell(value)
        mark = ' class="number"' if number else ' class="long"' if len(text) > LONG else ""
        return f"<{tag}{mark}>{html.escape(text)}</{tag}>"

    def line(tag: str, cells: Sequence[Any]) -> str:
        return "<tr>" + "".join(map(cell, [tag] * len(cells), cells, numeric)) + "</tr>"

    body = "\n".join([line("th", header), *(line("td", row) for row in rows)])
    return f'<div class="scroll"><table>\n{body}\n</table></div>\n'


def tiles(facts: dict[str, Any]) -> str:
    """A row of boxes, a large value above its name in each."""
    boxes = (
        f"<div><b>{html.escape(spell(value))}</b><span>{html.escape(name)}</span></div>"
        for name, value in facts.items()
    )
    return f'<div class="tiles">{"".join(boxes)}</div>\n'


def spell(value: Any) -> str:
    """Thousands apart in whole numbers, four digits of the others, the rest as it is."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def shortened(text: str, most: int = 300) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def breakable(label: str) -> str:
    """A long label may be broken after an underscore."""
    return label.replace("_", "_\N{ZERO WIDTH SPACE}")


def figure(width: float = 4.5, height: float = 2.6) -> tuple[Any, Any]:
    """A matplotlib figure in the house's colours and its axes, without pyplot's global state.

    Args: width, height, in inches, of 96 pixels on a page. Of 4.5 two stand side by side, and a
        phone shows one whole.
    """
    import matplotlib as mpl
    from cycler import cycler
    from matplotlib.figure import Figure

    style: Any = {
        "axes.prop_cycle": cycler(color=COLOURS),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": "#9aa5b1",
        "axes.labelcolor": "#66727f",
        "xtick.color": "#66727f",
        "ytick.color": "#66727f",
        "text.color": "#1d2733",
        "font.size": 9,
    }
    with mpl.rc_context(style):
        made = Figure(figsize=(width, height), layout="constrained")
        return made, made.subplots()


def svg(drawn: Any, description: str = "") -> str:
    """A matplotlib figure as an SVG file; the same figure gives the same text.

    Its texts are texts, for the reader's fonts to write, which have the letters of every script.
    """
    import matplotlib as mpl

    file = io.StringIO()
    _spell_out(drawn)
    style: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": description,  # for pictures of a page to have other ids
        "font.sans-serif": ["DejaVu Sans"],
        "text.parse_math": False,  # of ticks that are made while it is drawn
    }
    with mpl.rc_context(style), warnings.catch_warnings():
        # Widths are measured in a font that has a box for each letter that it has not.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        drawn.savefig(file, format="svg", metadata=dict.fromkeys(SILENT))
    text = file.getvalue()
    text = text[text.index("<svg") :]  # an address of the document's type comes first
    text = re.sub(r'<g id="[^"]*">', "<g>", text)  # which a second picture would have, too
    told = f'<svg role="img" aria-label="{html.escape(description)}" '
    return text.replace("<svg ", told, 1)


def _spell_out(drawn: Any) -> None:
    """Texts come from data: between two dollars matplotlib would read a formula."""
    from matplotlib.text import Text
    from matplotlib.ticker import LogFormatter, LogFormatterMathtext

    for text in drawn.findobj(Text):
        text.set_parse_math(False)
    for axis in (axis for axes in drawn.axes for axis in (axes.xaxis, axes.yaxis)):
        # 1e-03 in place of a formula.
        if isinstance(axis.get_major_formatter(), LogFormatterMathtext):
            axis.set_major_formatter(LogFormatter())
        if isinstance(axis.get_minor_formatter(), LogFormatterMathtext):
            axis.set_minor_formatter(LogFormatter())


def picture(drawn: Any, description: str = "") -> str:
    """A matplotlib figure as an SVG inside of the page; where there is room, beside the next one.

    A narrow screen makes it smaller, down to letters of 9 pixels; what is wider then scrolls.
    """
    least = round(72 * drawn.get_figwidth())  # a unit of the picture is a pixel then
    return f'<div class="picture" style="--least:{least}px">{svg(drawn, description)}</div>\n'
