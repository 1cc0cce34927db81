from html.parser import HTMLParser

from pipeline import page


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
