"""Samples against counts made another way, from files of every format."""

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from configs.loading import RecipeError, parse
from pipeline.errors import JobError
from pipeline.learning_curve.samples import drawn, fixed, make, pool
from pipeline.prepare.inputs import units
from pipeline.prepare.sources import read


def webster(counts, size):
    """Seats of each class by searching the divisor that hands out just so many, one at least."""

    def seats(divisor):
        return [max(1, int(count / divisor + 0.5)) for count in counts]

    low, high = 1e-9, 2.0 * sum(counts)
    for _ in range(60):
        divisor = (low + high) / 2
        number = sum(seats(divisor))
        if number == size and seats(divisor * (1 - 1e-9)) == seats(divisor * (1 + 1e-9)):
            return seats(divisor)
        low, high = (divisor, high) if number > size else (low, divisor)
    return None  # a tie: no divisor hands out just so many


@pytest.mark.parametrize("counts", [(500, 300, 150, 49, 1), (7, 7, 7), (97, 89, 1, 1), (60, 40)])
def test_shares_are_those_of_an_independent_apportionment(counts):
    labels = [(name,) for name, count in zip("abcde", counts, strict=False) for _ in range(count)]
    order = drawn(labels, 3, stratified=True)
    assert sorted(order) == list(range(len(labels)))
    compared = 0
    for size in range(len(counts), len(labels)):
        found = Counter(labels[row][0] for row in order[:size])
        seats = webster(counts, size)
        if seats:
            compared += 1
            assert [found[name] for name in "abcde"[: len(counts)]] == seats
    assert compared > 0


def test_shares_are_the_largest_remainder_s_where_no_class_is_rare():
    counts = {"a": 510, "b": 300, "c": 190}
    labels = [(name,) for name, count in counts.items() for _ in range(count)]
    order = drawn(labels, 1, stratified=True)
    for size in (10, 55, 101, 500, 777):
        quotas = {name: size * count / 1000 for name, count in counts.items()}
        seats = {name: int(quota) for name, quota in quotas.items()}
        for name in sorted(quotas, key=lambda n: seats[n] - quotas[n])[
            : size - sum(seats.values())
        ]:
            seats[name] += 1
        assert Counter(labels[row][0] for row in order[:size]) == seats


def test_every_seed_draws_others_and_the_same_again():
    labels = [("ab"[i % 2],) for i in range(400)]
    first = drawn(labels, 1, stratified=True)
    assert (first == drawn(labels, 1, stratified=True)).all()
    shared = set(first[:100]) & set(drawn(labels, 2, stratified=True)[:100])
    assert 10 < len(shared) < 45  # 25 by chance
    # Which of a class are taken has nothing to do with where they stand.
    assert 120 < np.mean(first[:100]) < 280


def test_several_labels_are_all_there_and_the_rest_is_left_to_chance():
    labels = [("x",)] * 990 + [("x", "rare")] * 5 + [()] * 5
    order = drawn(labels, 1, stratified=False)
    assert {name for row in order[:2] for name in labels[row]} == {"x", "rare"}
    assert sorted(order) == list(range(1000))
    assert (drawn([()] * 50, 7, False) == np.random.default_rng(7).permutation(50)).all()


ROWS = [{"body": f"text {i} of it", "kind": "abc"[i % 3], "end": i % 7} for i in range(60)]


def written(path):
    table = pd.DataFrame(ROWS)
    match path.suffix:
        case ".csv":
            table.to_csv(path, index=False)
        case ".tsv":
            table.to_csv(path, index=False, sep="\t")
        case ".jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
        case ".parquet":
            table.to_parquet(path)
        case _:
            lines = [f"{i}\tw{i}\t_\tNOUN\t_\t_\t0\troot\t_\t_" for i in range(1, 3)]
            pairs = [("\n".join(lines) if path.suffix == ".conllu" else "w1 X\nw2 Y")] * 60
            texts = [text.replace("w1", f"w{i}") for i, text in enumerate(pairs)]
            path.write_text("\n\n".join(texts) + "\n\n")
    return path


TASKS = {
    ".conll": '{kind: tag, text: "1", label: "2", scheme: plain}',
    ".conllu": "{kind: tag, text: form, label: upos, scheme: plain}",
}


def recipe_of(path, tmp_path, data="valid: 0.2, test: 0.25", task=None):
    task = task or TASKS.get(path.suffix, "{kind: classify, text: body, label: kind}")
    columns = "" if path.suffix in TASKS else ", columns: [end]"
    model = "lstm" if "tag" in task else "text_cnn"
    return parse(f"""
name: r
work: {tmp_path}/work
data: {{train: {path}, {data}{columns}}}
task: {task}
model: {{kind: {model}}}
""")


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet", "conll", "conllu"])
def test_samples_of_every_format_are_records_of_it(ending, tmp_path):
    recipe = recipe_of(written(tmp_path / f"data.{ending}"), tmp_path)
    samples = make(recipe, {12: [1, 2], 20: [1, 2], "all": [1, 2]}, tmp_path / "curve")
    columns = (recipe.task.text, recipe.task.label, *recipe.data.columns)
    whole = list(read(str(tmp_path / f"data.{ending}"), ending, columns))
    rows = {json.dumps(_plain(record, recipe)) for _, record in whole}

    def lines(path):
        records = [_plain(record, recipe) for _, record in read(str(path), "jsonl", ())]
        return [json.dumps(record) for record in records]

    test = set(lines(samples.folder / "test.jsonl"))
    everything = lines(samples.path("all", 1))
    assert samples.examples == len(everything) == 60 - len(test)
    assert test | set(everything) == rows
    for seed in (1, 2):
        small, large = (lines(samples.path(size, seed)) for size in (12, 20))
        assert (len(small), len(large)) == (12, 20)
        assert set(small) < set(large) < set(everything)
    # What is tested on is what preparing the recipe itself would cut off.
    assert len(test) == len(pool(recipe, units(recipe)).test)
    assert fixed(recipe, samples) == {"test": (str(samples.folder / "test.jsonl"),)}


def _plain(record, recipe):
    """What the task reads, spelled alike in all formats."""
    names = (recipe.task.text, recipe.task.label, *recipe.data.columns)
    values = [record[name] for name in names]
    return [value if isinstance(value, list) else str(value) for value in values]


def test_nothing_is_drawn_twice(tmp_path):
    recipe = recipe_of(written(tmp_path / "data.csv"), tmp_path)
    samples = make(recipe, {12: [1]}, tmp_path / "curve")
    path = samples.path(12, 1)
    before = path.stat().st_mtime_ns
    assert make(recipe, {12: [1], 15: [1]}, tmp_path / "curve") == samples
    assert path.stat().st_mtime_ns == before
    (tmp_path / "data.csv").write_text((tmp_path / "data.csv").read_text() + "one more,a,3\n")
    assert make(recipe, {12: [1]}, tmp_path / "curve").folder != samples.folder


def test_files_of_a_declared_format_are_copied_as_what_samples_are(tmp_path):
    for name in ("a.train", "a.test"):
        written(tmp_path / "data.conll").rename(tmp_path / name)
    data = f"test: {tmp_path}/a.test, format: conll"
    recipe = recipe_of(tmp_path / "a.train", tmp_path, data, TASKS[".conll"])
    recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"columns": ()})})
    samples = make(recipe, {12: [1]}, tmp_path / "curve")
    found = fixed(recipe, samples)
    assert found["format"] == "auto"
    records = [record for _, record in read(found["test"][0], "jsonl", ())]
    assert len(records) == 60
    assert records[0] == {"1": ["w0", "w2"], "2": ["X", "Y"]}


def test_files_without_a_header_line_are_copied_with_one(tmp_path):
    for name in ("train.csv", "test.csv"):
        rows = written(tmp_path / "data.csv").read_text().split("\n", 1)[1]
        (tmp_path / name).write_text(rows)
    names = (tmp_path / "data.csv").read_text().split("\n")[0].split(",")
    data = f"test: {tmp_path}/test.csv, header: [{', '.join(names)}]"
    recipe = recipe_of(tmp_path / "train.csv", tmp_path, data)
    found = fixed(recipe, make(recipe, {12: [1]}, tmp_path / "curve"))
    assert found["header"] is None
    assert len(list(read(found["test"][0], "jsonl", ("body", "kind")))) == 60


def test_sizes_that_do_not_suit_the_data_are_refused(tmp_path):
    recipe = recipe_of(written(tmp_path / "data.csv"), tmp_path, "test: null")
    with pytest.raises(RecipeError, match="61 is more than the 60 training examples"):
        make(recipe, {61: [1]}, tmp_path / "curve")
    with pytest.raises(RecipeError, match="2 examples cannot hold each of 3 labels once"):
        make(recipe, {2: [1]}, tmp_path / "curve")


def test_too_many_bad_records_are_an_error(tmp_path):
    path = written(tmp_path / "data.csv")
    path.write_text(path.read_text() + ",a,1\n" * 3)
    with pytest.raises(JobError, match="3 of 63 training records cannot be used"):
        make(recipe_of(path, tmp_path), {12: [1]}, tmp_path / "curve")
