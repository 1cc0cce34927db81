from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from pipeline import page
from pipeline.evaluation import pictures


class Cells(HTMLParser):
    """An independent reader of what was written: the text of each cell and the images."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.images, self.title, self.open = [], [], None, None
        self.texts, self.ids = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag == "svg":
            self.images.append(dict(attrs))
        if tag == "text":
            self.texts.append("")
        self.ids += [value for name, value in attrs if name == "id"]
        self.open = tag

    def handle_data(self, data):
        if self.open in ("td", "th") and data.strip():
            self.rows[-1].append(data)
        if self.open == "text" and data.strip():
            self.texts[-1] += data
        if self.open == "h1" and self.title is None:
            self.title = data


def test_a_page_says_what_data_says_and_runs_none_of_it():
    hostile = "<script>alert('x')</script> & \"quotes\""
    text = page.page(hostile, page.table(["text", "count"], [[hostile, 12345]]))
    assert "<script>" not in text
    read = Cells(text)
    assert read.title == hostile
    assert read.rows == [["text", "count"], [hostile, "12,345"]]


def bars(names):
    figure, axes = page.figure()
    axes.barh(range(len(names)), range(1, len(names) + 1))
    axes.set_yticks(range(len(names)), names)
    return figure


def test_a_picture_is_inside_the_page_and_has_the_same_bytes_each_time():
    text = page.picture(bars(["a", "b"]), 'a "bar"')
    assert text == page.picture(bars(["a", "b"]), 'a "bar"')
    (image,) = (picture := Cells(text)).images
    assert image["aria-label"] == 'a "bar"'
    width, height = map(float, image["viewbox"].split()[2:])
    assert (width, height) == (72 * 4.5, pytest.approx(72 * 2.6))
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "").replace(
        "http://www.w3.org/1999/xlink", ""
    )
    assert picture.ids
    other = Cells(page.picture(bars(["a", "b"]), "another"))
    assert not set(picture.ids) & set(other.ids)
    assert len(set(picture.ids)) == len(picture.ids)


NAMES = [
    *("退款和账单", "การคืนเงิน", "العودة والدفع", "환불 요청", "पैसे"),
    *("<script>alert(1)</script>", "]]>", "-->", "</text></svg><b>", 'a & "b"', '<g id="x">'),
    *("$10_$20", "US$ or A$", "$x^{2$", "cost of $5 or $6^"),
]


def test_texts_of_a_picture_are_texts_in_any_script_and_nothing_else(recwarn):
    """The browser writes them with its fonts; matplotlib's own have no such letters."""
    text = page.picture(bars(NAMES))
    assert Cells(text).texts[-len(NAMES) :] == NAMES
    file = ElementTree.fromstring(page.svg(bars(NAMES)))
    written = [node.text for node in file.iter("{http://www.w3.org/2000/svg}text")]
    assert written[-len(NAMES) :] == NAMES
    assert "script" not in {node.tag.split("}")[1] for node in file.iter()}
    assert not recwarn


@pytest.mark.parametrize("name", ["$10_$20", "配送 of $5 or $6^"])
def test_evaluations_show_labels_and_parts(name):
    matrix = np.array([[3, 1], [2, 4]])
    part = {"by": name, "part": name, "value": 0.5, "low": 0.4, "high": 0.7, "n": 10}
    for drawn in (
        pictures.confusion(matrix, [name, "b"]),
        pictures.slices([part], part, "accuracy"),
    ):
        assert any(name in text for text in Cells(page.picture(drawn)).texts)


def test_wide_letters_have_their_room():
    """A letter of Chinese is as wide as it is high; the widest name begins inside the picture."""
    name = "退" * 12
    figure = bars([name, "b"])
    page.svg(figure)
    left = figure.axes[0].get_position().x0 * 72 * figure.get_figwidth()
    assert left > 9 * len(name)


def test_a_logarithmic_axis_has_plain_numbers():
    def ticks(*values):
        figure, axes = page.figure()
        axes.plot([1, 2], values)
        axes.set_yscale("log")
        return set(Cells(page.picture(figure)).texts)

    wide, narrow = ticks(0.001, 10), ticks(2, 7)
    assert {"1", "10"} <= wide
    assert {"2", "3", "6"} <= narrow
    assert not any("$" in text for text in wide | narrow)
