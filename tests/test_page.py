import io
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.image import imread

from pipeline import page
from pipeline.evaluation import pictures


class Cells(HTMLParser):
    """An independent reader of what was written: the text of each cell and the images."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.images, self.title, self.open = [], [], None, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag == "img":
            self.images.append(dict(attrs))
        self.open = tag

    def handle_data(self, data):
        if self.open in ("td", "th") and data.strip():
            self.rows[-1].append(data)
        if self.open == "h1" and self.title is None:
            self.title = data


def test_a_page_says_what_data_says_and_runs_none_of_it():
    hostile = "<script>alert('x')</script> & \"quotes\""
    text = page.page(hostile, page.table(["text", "count"], [[hostile, 12345]]))
    assert "<script>" not in text
    read = Cells(text)
    assert read.title == hostile
    assert read.rows == [["text", "count"], [hostile, "12,345"]]


def test_a_picture_is_inside_the_page_and_has_the_same_bytes_each_time():
    def draw():
        figure, axes = page.figure()
        axes.bar(["a", "b"], [1, 2])
        return page.picture(figure, 'a "bar"')

    assert draw() == draw()
    (image,) = Cells(draw()).images
    assert image["alt"] == 'a "bar"'
    assert image["src"].startswith("data:image/png;base64,iVBORw0KGgo")


def test_dollars_in_a_picture_are_dollars():
    """As matplotlib itself draws them where each is escaped; between two it reads a formula."""

    def draw(name, write):
        figure, axes = page.figure()
        axes.barh([0], [1], label=name)
        axes.set_yticks([0], [name])
        axes.set(title=name, ylabel=name)
        axes.text(0, 0, name)
        axes.legend()
        return write(figure)

    def by_matplotlib(figure):
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=144, metadata={"Software": None})
        return file.getvalue()

    for name in ("$10_$20", "US$ or A$", "$x^{2$"):
        assert draw(name, page.png) == draw(name.replace("$", r"\$"), by_matplotlib)


@pytest.mark.parametrize("name", ["$10_$20", "cost of $5 or $6^"])
def test_evaluations_show_labels_and_parts_with_dollars(name):
    matrix = np.array([[3, 1], [2, 4]])
    part = {"by": name, "part": name, "value": 0.5, "low": 0.4, "high": 0.7, "n": 10}
    for drawn in (
        pictures.confusion(matrix, [name, "b"]),
        pictures.slices([part], part, "accuracy"),
    ):
        assert imread(io.BytesIO(page.png(drawn))).any()


def test_a_logarithmic_axis_has_plain_numbers():
    figure, (wide, narrow) = page.figure(2)
    for axes, values in ((wide, [0.001, 10]), (narrow, [2, 7])):
        axes.plot([1, 2], values)
        axes.set_yscale("log")
    page.png(figure)
    wide, narrow = (
        {tick.get_text() for m in (False, True) for tick in axes.get_yticklabels(minor=m)}
        for axes in (wide, narrow)
    )
    assert {"1", "10"} <= wide
    assert {"2", "3", "6"} <= narrow
    assert not any("$" in text for text in wide | narrow)
