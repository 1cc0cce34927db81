"""A look at files sees all of their rows, whatever their order and their size."""

import json
from collections import Counter

import numpy as np
import pytest

from configs import loading
from configs.data import Data
from configs.tasks import Classify
from pipeline.errors import JobError
from pipeline.recipes import check, look, new, samples

CLASSIFY = Classify(kind="classify")


def write(path, rows):
    lines = [json.dumps({"text": text, "label": label}) + "\n" for text, label in rows]
    path.write_text("".join(lines))
    return str(path)


@pytest.fixture
def small(monkeypatch):
    """As if a few hundred rows were many."""
    monkeypatch.setattr(look, "MOST_CHARACTERS", 2_000)
    monkeypatch.setattr(look, "MOST_VALUES", 50)


@pytest.mark.parametrize("order", ["sorted", "taking turns"])
def test_labels_are_counted_in_all_rows(order, small, tmp_path):
    labels = ["pos"] * 400 + ["neg"] * 400 if order == "sorted" else ["pos", "neg"] * 400
    rows = [(f"text number {i}", label) for i, label in enumerate(labels)]
    path = write(tmp_path / "a.jsonl", [*rows, ("", "pos")])
    text = new.recipe(Data(train=path, test=None), "text", "label", "text_cnn")
    assert loading.parse(text).task.kind == "classify"
    assert "800 usable rows; not usable: 1 with empty text; words were counted in a" in text
    assert "'pos' stands 400 times, 'neg' 400 times" in text
    assert "about 20 steps an epoch" in text  # of 640 texts, 32 at a time


def test_steps_are_without_what_is_held_out(tmp_path):
    rows = [(f"text number {i}", "ab"[i % 2]) for i in range(320)]
    train, valid, test = (write(tmp_path / f"{n}.jsonl", rows) for n in ("one", "two", "three"))
    text = new.recipe(Data(train=train, valid=(valid,), test=(test,)), "text", "label", "text_cnn")
    assert "about 10 steps an epoch" in text
    recipe = loading.parse(text)
    assert (recipe.data.valid, recipe.data.test) == ((valid,), (test,))
    text = new.recipe(Data(train=train, test=(test,)), "text", "label", "text_cnn")
    assert "about 9 steps an epoch" in text  # of 288 texts


def test_the_share_of_what_was_looked_at_is_told_and_what_follows_from_it(small, tmp_path):
    rows = [(f"text number {i} of some", "ab"[i % 2]) for i in range(500)]
    found = look.look((write(tmp_path / "a.jsonl", rows),), Data(train="a.jsonl"), CLASSIFY)
    assert found.examples == 500
    assert 0 < found.share < 0.5
    assert len(found.lengths) == pytest.approx(500 * found.share, rel=0.3)
    assert found.num_words == pytest.approx(5 * 500, rel=0.3)


def test_check_looks_at_the_files_of_all_splits(tmp_path):
    train = write(tmp_path / "a.jsonl", [("a b", "x"), ("c d", "y"), ("e", "y")])
    test = write(tmp_path / "b.jsonl", [("f", "x"), ("g", "new"), ("", "x"), ("h", "new")])
    lines = [
        "name: a",
        f"data: {{train: {train}, valid: null, test: {test}}}",
        "task: {kind: classify}",
        "model: {kind: text_cnn}",
    ]
    facts = check.estimate(loading.parse("\n".join(lines)))
    assert facts["rows"] == {"train": 3, "test": 3}
    assert facts["bad"] == {"empty text": 1}
    told = "\n".join(check.in_words(facts))
    assert "data.test: 3 usable rows; not usable: 1 with empty text; labels that training" in told
    assert "2 'new'" in told
    (tmp_path / "b.jsonl").write_text('{"words": "f"}\n')
    with pytest.raises(loading.RecipeError, match=r"b\.jsonl: no usable row \(1 with missing colu"):
        check.estimate(loading.parse("\n".join(lines)))


def test_too_many_labels_are_none(tmp_path, monkeypatch):
    monkeypatch.setattr(look, "MOST_LABELS", 10)
    path = write(tmp_path / "a.jsonl", [("a", str(i)) for i in range(11)])
    with pytest.raises(JobError, match="more than 10 distinct labels in column 'label'"):
        look.look((path,), Data(train=path), CLASSIFY)


def test_a_sample_is_drawn_evenly_and_has_no_more_than_its_room():
    sample = samples.Sample(room=1000)
    for place in range(100_000):
        sample.offer(place)
    drawn = np.array(sample.items)
    assert 500 <= len(drawn) <= 1000
    assert len(drawn) == pytest.approx(100_000 * sample.share, rel=0.1)
    tenths = np.bincount(drawn // 10_000, minlength=10)
    assert tenths.min() > len(drawn) / 20
    assert np.bincount(drawn % 2).min() > len(drawn) / 3  # rows that take turns
    few = samples.Sample(room=10)
    for item in "abc":
        few.offer(item, 3)
    assert (few.items, few.share) == (["a", "b", "c"], 1.0)


@pytest.mark.parametrize(("most", "error"), [(10_000, 0.0), (500, 0.3)])
def test_repeated_texts_are_counted_or_estimated(most, error):
    texts = np.random.default_rng(0).integers(4000, size=8000)
    repeats = samples.Repeats(most)
    for text in texts:
        repeats.add((str(text).encode(),))
    repeated = 8000 - len(Counter(texts.tolist()))
    assert repeats.number == pytest.approx(repeated, rel=error)
    assert len(repeats._copies) <= most


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("2024.csv", "2024-classify"),
        ("true.csv", "true-classify"),
        ("1e3.csv", "1e3-classify"),
        ("reviews/train.csv", "reviews-classify"),
        ("reviews/data/train-00000-of-00002.csv", "reviews-classify"),
        ("film reviews.v2.csv", "film-reviews-classify"),
    ],
)
def test_the_name_says_what_the_data_are_and_is_a_string(path, name, tmp_path):
    place = tmp_path / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("text,label\n" + "".join(f"text {i},{'ab'[i % 2]}\n" for i in range(60)))
    files = Data(train=str(place), test=None)
    assert loading.parse(new.recipe(files, "text", "label")).name == name
