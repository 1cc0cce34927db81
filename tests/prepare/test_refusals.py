"""Data that is not fit to train on: what is told, where the broken records end up."""

import json
import random

import pytest
from reading import dead_letters, examples

from pipeline.errors import JobError
from pipeline.prepare import unseen_labels

CLASSIFY = "task: {kind: classify}"
GOOD = [f'{{"text": "good text {i}", "label": "{"ab"[i % 2]}"}}'.encode() for i in range(40)]


def write(path, lines):
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def data(path, **more):
    settings = "".join(f", {key}: {value}" for key, value in more.items())
    return f"data: {{train: {path}, valid: null{settings}}}"


def test_every_reason_with_file_line_and_record(prepared, tmp_path):
    broken = {
        3: (b'{"text": "cut off', "broken JSON"),
        5: (b'{"text": "bad \xff byte", "label": "a"}', "not UTF-8"),
        8: (b'{"text": "no label"}', "missing column"),
        13: (b'{"text": " \\t ", "label": "a"}', "empty text"),
        21: (b'{"text": "<br/> <br>", "label": "a"}', "empty text"),
        22: (b'{"text": "x", "label": ""}', "missing label"),
        30: (b'{"text": ["x"], "label": "a"}', "text is not a string"),
        31: (b'{"text": "x", "label": {}}', "label is neither a string nor a number"),
        35: (b'{"text": "\\ud800", "label": "a"}', "not UTF-8"),
    }
    lines = [broken.get(n, (GOOD[n - 1],))[0] for n in range(1, 41)]
    train = write(tmp_path / "train.jsonl", lines)
    test = write(tmp_path / "test.jsonl", [*GOOD[:3], b'{"text": "new", "label": "never seen"}'])
    directory = prepared(
        data(train, max_bad=0.5).replace("valid: null", f"valid: null, test: {test}"),
        "text: {html: true}",
        CLASSIFY,
    )
    letters = dead_letters(directory)
    expected = [(str(train), n, reason) for n, (_, reason) in broken.items()]
    assert [(x["file"], x["line"], x["reason"]) for x in letters] == expected
    assert letters[0]["record"] == '{"text": "cut off'
    assert letters[1]["record"] == '{"text": "bad \\xff byte", "label": "a"}'
    good = [json.loads(GOOD[n - 1])["text"] for n in range(1, 41) if n not in broken]
    assert [e["text"] for e in examples(directory, "train")] == good
    manifest = json.loads((directory / "manifest.json").read_text())
    assert manifest["dead_letters"]["not UTF-8"] == 2
    assert sum(manifest["dead_letters"].values()) == 9
    assert manifest["records"] == 44
    remarks = json.loads((directory / "report.json").read_text())["remarks"]
    assert remarks[0].startswith("20.5% of the records were left out, 9 of 44: 2 empty text, 2 not")
    assert remarks[0].endswith(" and more.")
    report = (directory / "report.html").read_text()
    assert f"{train}:3: broken JSON" in report


def test_too_many_bad_records_fail_with_where_they_are(prepared, tmp_path):
    path = write(tmp_path / "a.jsonl", [*GOOD[:9], b"{", GOOD[10], b"\xff", b"{"])
    with pytest.raises(JobError) as failure:
        prepared(data(path, max_bad=0.2), CLASSIFY)
    message = str(failure.value)
    assert "3 of 13 records cannot be used (2 broken JSON, 1 not UTF-8)" in message
    assert "data.max_bad = 0.2" in message
    for where in (f"{path}:10: broken JSON", f"{path}:12: not UTF-8", f"{path}:13: broken JSON"):
        assert where in message
    (left,) = (tmp_path / "work" / "prepared").iterdir()
    assert str(left / "dead_letters") in message
    assert [letter["line"] for letter in dead_letters(left)] == [10, 12, 13]
    assert prepared(data(path, max_bad=0.24), CLASSIFY)


def test_a_label_is_known_though_its_only_text_was_cut_into_another_split(prepared, tmp_path):
    lines = [b'{"text": "text %d", "label": "%d"}' % (i, i) for i in range(30)]
    path = write(tmp_path / "a.jsonl", lines)
    directory = prepared(f"data: {{train: {path}, valid: 0.5}}", CLASSIFY)
    assert dead_letters(directory) == []
    assert unseen_labels.names(directory) == []
    sizes = [len(examples(directory, split)) for split in ("train", "valid")]
    assert sum(sizes) == 30
    assert min(sizes) > 5


@pytest.mark.parametrize(
    ("lines", "settings", "task", "complaint"),
    [
        ([], "", CLASSIFY, "hold no records"),
        ([b'{"text": "a", "label": "x"}'] * 3, "", CLASSIFY, "holds only 'x': is it the right"),
        ([b'{"text": "a", "label": ""}'] * 2, ", max_bad: 1.0", CLASSIFY, "holds none"),
        ([b'{"text": "a", "label": 2}'] * 3, "", "task: {kind: regress}", "every one is 2"),
        ([b'{"text": "a", "label": "x"}'], ", max_bad: 1.0", "task: {kind: regress}", "are none"),
        (GOOD[:4], ", test: 0.001", CLASSIFY, r"data\.test is empty: 0\.001 of 4 training texts"),
        (GOOD[:4], ", test: MISSING", CLASSIFY, "no input file matches .*nowhere"),
        (GOOD[:4], ", test: TRAIN", CLASSIFY, r"is in data\.train and in data\.test"),
        (GOOD[:4], ", test: COPY, drop_leaks: true", CLASSIFY, r"data\.train is empty: all 4 exa"),
        (GOOD[:4], ", test: OTHER, max_bad: 0.9", CLASSIFY, r"data\.test is empty: no usable reco"),
        (GOOD[:4], ", columns: [nope], format: csv", CLASSIFY, r":1: no column 'text'; the file"),
    ],
)
def test_data_that_nothing_can_be_learned_from(
    prepared, tmp_path, lines, settings, task, complaint
):
    path = tmp_path / "a.jsonl"
    copy = tmp_path / "b.jsonl"
    path.write_bytes(b"\n".join(lines))
    copy.write_bytes(b"\n".join(lines))
    (tmp_path / "c.jsonl").write_text('{"text": "", "label": "a"}')
    places = {"MISSING": "nowhere.csv", "TRAIN": "a.jsonl", "COPY": "b.jsonl", "OTHER": "c.jsonl"}
    for word, name in places.items():
        settings = settings.replace(word, str(tmp_path / name))
    with pytest.raises(JobError, match=complaint):
        prepared(f"data: {{train: {path}, valid: null{settings}}}", task)


def test_more_labels_than_labels_can_be(prepared, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.prepare.scanning.MOST_LABELS", 10)
    lines = [b'{"text": "a", "label": "%d"}' % i for i in range(11)]
    with pytest.raises(JobError, match="more than 10 distinct labels in column 'label'"):
        prepared(data(write(tmp_path / "a.jsonl", lines)), CLASSIFY)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_any_broken_file_is_accounted_for(prepared, tmp_path, kind, seed):
    """Bytes are changed, doubled and taken away at random: every record is good, bad or told of."""
    chance = random.Random(seed)
    rows = [(f'te"xt\n{i}' if kind == "csv" else f"text {i}", "ab"[i % 2]) for i in range(200)]
    spell = {
        "csv": lambda text, label: '"{}","{}"'.format(text.replace('"', '""'), label),
        "tsv": lambda text, label: f"{text}\t{label}",
        "jsonl": lambda text, label: json.dumps({"text": text, "label": label}),
    }[kind]
    head = {"csv": ["text,label"], "tsv": ["text\tlabel"], "jsonl": []}[kind]
    plain = bytearray("\n".join([*head, *(spell(*row) for row in rows)]), "utf-8")
    for _ in range(40):
        place = chance.randrange(20, len(plain))
        match chance.randrange(3):
            case 0:
                plain[place] = chance.choice([0, 9, 10, 13, 34, 44, 0x80, 0xFF, 0xC3])
            case 1:
                plain[place:place] = plain[place : place + chance.randrange(40)]
            case 2:
                del plain[place : place + chance.randrange(5)]
    path = tmp_path / f"a.{kind}"
    path.write_bytes(bytes(plain))
    directory = prepared(data(path, max_bad=1.0), CLASSIFY)
    letters, found = dead_letters(directory), examples(directory, "train")
    manifest = json.loads((directory / "manifest.json").read_text())
    assert len(letters) + len(found) == manifest["records"]
    lines = [letter["line"] for letter in letters]
    assert lines == sorted(set(lines))
    assert letters
    assert lines[-1] <= bytes(plain).count(b"\n") + 1
    intact = {text for text, _ in rows} & {example["text"] for example in found}
    assert len(intact) > 100
