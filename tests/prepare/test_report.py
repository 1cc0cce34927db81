import json
from html.parser import HTMLParser

import pytest
from test_prepare import write_csv

LABELS = ["often"] * 60 + ["rare", "<b>odd</b>"]


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.text, self.tags, self.drawn = "", [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data
        if self.tags[-1:] == ["text"] and data.strip():
            self.drawn.append(data)


@pytest.fixture
def told(prepared, tmp_path):
    """A report on data with everything that a careful reader would stop at."""
    rows = [(f"word{i} word{i} and more", label) for i, label in enumerate(LABELS)]
    rows += [rows[0]] * 3
    train = write_csv(tmp_path / "train.csv", rows)
    test = write_csv(tmp_path / "test.csv", [rows[1], ("wholly new", "rare"), ("x", "unseen")])

    def make(*more):
        directory = prepared(
            f"data: {{train: {train}, valid: null, test: {test}, max_bad: 0.5{''.join(more)}}}",
            "text: {max_length: 3, tokenizer: {size: 20}}",
            "task: {kind: classify}",
        )
        return json.loads((directory / "report.json").read_text()), Page(
            (directory / "report.html").read_text(encoding="utf-8")
        )

    return make


def test_remarks(told):
    report, page = told()
    remarks = "\n".join(report["remarks"])
    for part in (
        "1 texts of test also stand in train: scores on test look better",
        "4.6% of train repeat other texts there (data.drop_duplicates)",
        "100% of the training texts are longer than text.max_length = 3; 95% would fit into 4",
        "of the tokens of train are not in the vocabulary",
        "2 of 3 labels have fewer than 10 training examples: <b>odd</b>, rare.",
        "The most frequent label stands 63 times as often as the rarest",
        "1 of 3 examples of test has a label that training lacks ('unseen' 1)",
    ):
        assert part in remarks
        assert part in page.text
    assert page.tags.count("svg") == 2
    assert "b" not in page.tags[page.tags.index("h2") :]


def test_what_was_dropped_is_not_complained_about(told):
    report, _ = told(", drop_leaks: true, drop_duplicates: true")
    remarks = "\n".join(report["remarks"])
    assert "1 texts of test also stood in train and were left out there." in remarks
    assert "data.drop" not in remarks
    assert report["dropped"] == {"train": 4, "valid": 0, "test": 0}


def test_a_page_for_many_labels_and_one_for_numbers(prepared, tmp_path):
    rows = [(f"text {i}", f"label {i % 50}", i) for i in range(200)]
    path = write_csv(tmp_path / "a.csv", rows, ("text", "label", "number"))
    data = f"data: {{train: {path}, valid: 0.3}}"
    for task in ("{kind: classify}", "{kind: regress, label: number}"):
        directory = prepared(data, f"task: {task}")
        assert Page((directory / "report.html").read_text()).tags.count("svg") == 2


def test_of_many_labels_the_largest_and_the_smallest_are_drawn_by_name(prepared, tmp_path):
    # Of label i there are 50 - i in the training texts.
    rows = [(f"text {i} {j}", f"label {i}") for i in range(45) for j in range(50 - i)]
    train, valid = write_csv(tmp_path / "a.csv", rows), write_csv(tmp_path / "b.csv", rows[:9])
    directory = prepared(f"data: {{train: {train}, valid: {valid}}}", "task: {kind: classify}")
    page = Page((directory / "report.html").read_text())
    names = [text for text in page.drawn if text.startswith("label")]
    assert names == [f"label {i}" for i in (*range(20), *range(35, 45))]
    said = "The 20 most frequent of 45 labels and the 10 rarest. Each of the 15 between them stands"
    assert f"{said} 16 to 30 times in train." in page.text
