"""Labels that only files for validation and test have: their rows are kept, numbered and told."""

import json

from reading import dead_letters, examples

from pipeline.prepare import unseen_labels

TRAIN = [("red fox", "fox"), ("grey cat", "cat"), ("blue jay", "jay"), ("old cat", "cat")]
TEST = [("new owl", "owl"), ("one cat", "cat"), ("an ant", "ant"), ("two owls", "owl")]
CLASSIFY = "task: {kind: classify}"


def write(path, rows):
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    return path


def test_their_rows_are_kept_with_ids_of_their_own(prepared, tmp_path):
    train, test = write(tmp_path / "train.csv", TRAIN), write(tmp_path / "test.csv", TEST)
    files = f"data: {{train: {train}, valid: null, test: {test}}}"
    directory = prepared(files, CLASSIFY)
    known = json.loads((directory / "labels.json").read_text())
    assert known == ["cat", "fox", "jay"]
    names = [*known, *unseen_labels.names(directory)]
    found = [(e["text"], names[e["label"][0]]) for e in examples(directory, "test")]
    assert found == TEST
    assert dead_letters(directory) == []
    (sentence,) = unseen_labels.sentences(directory).values()
    assert sentence.startswith("3 of 4 examples of test have a label that training lacks")
    assert "('owl' 2, 'ant' 1)" in sentence


def test_one_of_several_labels(prepared, tmp_path):
    train = write(tmp_path / "train.csv", [("a", "x|y"), ("b", "y|z"), ("c", "z")])
    test = write(tmp_path / "test.csv", [("d", "x|new"), ("e", "")])
    task = "task: {kind: multilabel, label: label}"
    directory = prepared(f"data: {{train: {train}, valid: null, test: {test}}}", task)
    assert [e["label"] for e in examples(directory, "test")] == [[3, 0], []]
    assert unseen_labels.names(directory) == ["new"]


def test_a_sentence_stays_with_the_tags_that_are_known(prepared, tmp_path):
    train, test = tmp_path / "a.conll", tmp_path / "b.conll"
    train.write_text("a\tO\nb\tB-x\n\n" * 5)
    test.write_text("a\tO\nb\tB-y\nc\tB-x\n\na\tO\n")
    directory = prepared(
        f"data: {{train: {train}, valid: null, test: {test}}}",
        'task: {kind: tag, text: "1", label: "2"}',
    )
    names = [*json.loads((directory / "labels.json").read_text()), *unseen_labels.names(directory)]
    tags = [[names[tag] for tag in e["label"]] for e in examples(directory, "test")]
    assert tags == [["O", "B-y", "B-x"], ["O"]]
