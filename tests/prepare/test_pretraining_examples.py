"""Documents -> examples of a masked language model, by all of `prepare`.

Each word of the documents here says where it stands: w3x2x1 is the second one of the third sentence
of document 3.
"""

import json
from collections import Counter

import numpy as np
import pytest
from reading import content, examples

from pipeline.errors import JobError
from pipeline.prepare import inputs
from pipeline.text import tokenizers

PAD, UNKNOWN, START, END, MASK = range(5)
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def document(number, random):
    lengths = random.integers(1, 12, random.integers(2, 20))
    return [[f"w{number}x{s}x{w}" for w in range(n)] for s, n in enumerate(lengths)]


@pytest.fixture(scope="module")
def texts():
    """300 documents of lists of sentences, and ten of one sentence."""
    random = np.random.default_rng(0)
    return [document(i, random) for i in range(300)] + [[[f"w{300 + i}x0x0"]] for i in range(10)]


@pytest.fixture
def task(prepared, texts, tmp_path):
    """A maker of prepared data of these documents, in three files, from settings of the task."""
    for file in range(3):
        with open(tmp_path / f"{file}.jsonl", "w") as out:
            for sentences in texts[file::3]:
                out.write(json.dumps({"text": "\n".join(map(" ".join, sentences))}) + "\n")
    every = [word for sentences in texts for sentence in sentences for word in sentence]
    (tmp_path / "vocab.txt").write_text("\n".join([*SPECIAL, *every]) + "\n")
    tokenizer = f"{{kind: wordpiece, vocabulary: {tmp_path}/vocab.txt}}"

    def make(settings="", *lines, data="valid: 0.2", **more):
        return prepared(
            f"data: {{train: '{tmp_path}/*.jsonl', {data}}}",
            f"text: {{max_length: 32, tokenizer: {tokenizer}}}",
            f"task: {{kind: masked_language_model{settings}}}",
            *lines,
            **more,
        )

    return make


def words(directory):
    """The place of the word that each id stands for: (document, sentence, word), or None."""
    spellings = tokenizers.load(directory / "tokenizer").vocabulary
    return [tuple(map(int, s[1:].split("x"))) if s[0] == "w" else None for s in spellings]


def parted(example):
    """The ids of the first text and of the second, after a look at what is around them."""
    ids, second = example["ids"], example.get("second_start", [len(example["ids"])])[0]
    assert ids[0] == START
    assert ids[-1] == ids[second - 1] == END
    assert len(ids) <= 32
    inside = ids[1 : second - 1], ids[second:-1]
    assert not {PAD, UNKNOWN, START, END} & {*inside[0], *inside[1]}
    return inside


def runs_on(places, texts):
    """Whether words are of one document, each after the one before."""
    order = [
        (places[0][0], s, w) for s, some in enumerate(texts[places[0][0]]) for w in range(len(some))
    ]
    begin = order.index(places[0])
    return order[begin : begin + len(places)] == places


def test_pairs_of_texts_that_follow_each_other_or_not(task, texts):
    directory = task()
    place_of, labels = words(directory), Counter()
    splits = {}
    for split in ("train", "valid"):
        for example in examples(directory, split):
            assert set(example) == {"ids", "second_start", "next"}
            first, second = ([place_of[i] for i in part] for part in parted(example))
            assert runs_on(first, texts)
            assert runs_on(second, texts)
            label = example["next"][0]
            labels[label] += 1
            one, other = first[-1], second[0]
            splits.setdefault(split, set()).update((one[0], other[0]))
            assert (one[0] != other[0]) == bool(label)
            if not label:  # unless one of them was cut, with nothing between them
                assert one < other
                assert len(example["ids"]) == 32 or runs_on(first + second, texts)
    assert not splits["train"] & splits["valid"]
    total = labels.total()
    assert labels[1] / total == pytest.approx(0.5, abs=3 * 0.5 / total**0.5)
    assert splits["train"] | splits["valid"] >= set(range(300))


def test_runs_hold_every_word_once_in_each_copy(task, texts):
    directory = task(", pairs: none, copies: 3", data="valid: null")
    place_of = words(directory)
    found = Counter(place_of[i] for e in examples(directory, "train") for i in parted(e)[0])
    every = {(d, s, w) for d, t in enumerate(texts) for s, x in enumerate(t) for w in range(len(x))}
    assert found == dict.fromkeys(every, 3)
    assert set(examples(directory, "train")[0]) == {"ids"}


def test_copies_are_cut_differently_and_those_of_validation_are_one(task):
    directory = task(", copies: 4, pairs: order")
    manifest = json.loads((directory / "manifest.json").read_text())["splits"]
    assert manifest["train"]["examples"] > 8 * manifest["valid"]["examples"]
    ids = [tuple(example["ids"]) for example in examples(directory, "train")]
    assert len(set(ids)) > 0.7 * len(ids)


@pytest.mark.parametrize("unit", ["token", "span"])
def test_static_masks(task, texts, unit):
    directory = task(f", copies: 8, pairs: none, masking: {{static: true, unit: {unit}}}")
    place_of, fates, free = words(directory), Counter(), 0
    for example in examples(directory, "train"):
        ids = list(example["ids"])
        free += len(ids) - 2
        assert example["places"] == sorted(set(example["places"]))
        for place, target in zip(example["places"], example["targets"], strict=True):
            fates[
                "hidden" if ids[place] == MASK else "same" if ids[place] == target else "other"
            ] += 1
            ids[place] = target
        assert runs_on([place_of[i] for i in ids[1:-1]], texts)
    assert fates.total() / free == pytest.approx(0.15, abs=0.002)
    share = {name: count / fates.total() for name, count in fates.items()}
    assert share == pytest.approx({"hidden": 0.8, "other": 0.1, "same": 0.1}, abs=0.03)
    told = json.loads((directory / "report.json").read_text())["splits"]["train"]["pretraining"]
    assert told["masked"] == pytest.approx(fates.total() / free)
    assert told["hidden"] == pytest.approx(share["hidden"])
    assert told["exchanged"] == pytest.approx(share["other"])


def test_the_report_tells_of_the_examples(task, texts):
    directory = task(data="valid: null")
    report = json.loads((directory / "report.json").read_text())
    part, found = report["splits"]["train"], examples(directory, "train")
    made = part["pretraining"]
    assert (part["examples"], part["sentences"], part["single"]) == (310, sum(map(len, texts)), 10)
    assert part["tokens"] == sum(len(s) for text in texts for s in text)
    tokens = sum(len(example["ids"]) for example in found)
    assert (made["examples"], made["tokens"]) == (len(found), tokens)
    assert made["fill"] == pytest.approx(tokens / len(found) / 32)
    assert made["other"] == np.mean([example["next"] for example in found])
    manifest = json.loads((directory / "manifest.json").read_text())
    assert manifest["splits"]["train"]["examples"] == len(found)
    ids = ("start_id", "end_id", "mask_id")
    assert [manifest[name] for name in ids] == [START, END, MASK]
    assert "10 of 310 documents of train have only one sentence" in "".join(report["remarks"])
    page = (directory / "report.html").read_text()
    assert "<h2>Examples</h2>" in page
    assert "anew in each epoch" in page
    assert page.count("<svg") == 1


@pytest.mark.parametrize(
    "mode", ["multi_threading", pytest.param("multi_processing", marks=pytest.mark.slow)]
)
def test_two_workers_write_the_same_bytes(task, mode):
    settings = ", copies: 2, masking: {static: true, unit: word}"
    alone = content(task(settings, work="alone"))
    options = f"[--direct_num_workers=2, --direct_running_mode={mode}]"
    assert content(task(settings, f"beam: {{options: {options}}}", work="two")) == alone


def test_another_seed_makes_other_examples_and_masks_of_epochs_none(recipe):
    def settings(*lines, task=""):
        lines = ("data: {train: x}", f"task: {{kind: masked_language_model{task}}}", *lines)
        return inputs.settings(recipe(*lines))

    assert settings("seed: 2") != settings()
    assert settings(task=", masking: {rate: 0.4}") == settings()
    assert settings(task=", masking: {static: true}") != settings()
    assert settings(task=", short: 0.1") == settings() != settings(task=", pairs: order")


def write(folder, texts):
    path = folder / "a.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return f"data: {{train: {path}, valid: null}}"


def test_one_document_has_no_other(prepared, tmp_path):
    data = write(tmp_path, ["One.\nTwo."])
    with pytest.raises(JobError, match=r"data\.train is one document, .* set task\.pairs to order"):
        prepared(data, "task: {kind: masked_language_model}")


def test_copies_of_a_document_are_no_other_one(prepared, tmp_path):
    data = write(tmp_path, ["One two.\nThree four."] * 30)
    with pytest.raises(JobError, match="were all copies of one: set"):
        prepared(data, "task: {kind: masked_language_model}")


def test_documents_too_short_for_pairs(prepared, tmp_path):
    data = write(tmp_path, ["One two.", "Three four."])
    with pytest.raises(JobError, match=r"no document of data\.train has two sentences"):
        prepared(data, "task: {kind: masked_language_model}")


def test_sentences_are_found_before_letters_are_made_small(prepared, tmp_path):
    """And after HTML is gone, which is not taken out twice."""
    texts = [f"Mr. Smith wrote &amp;lt;{i}&amp;gt;<br />once. He left." for i in range(40)]
    directory = prepared(
        write(tmp_path, texts),
        "text: {html: true}",
        "task: {kind: masked_language_model, pairs: order, short: 0}",
    )
    tokenizer = tokenizers.load(directory / "tokenizer")
    for i, example in enumerate(examples(directory, "train")):
        first, second = sorted(parted(example), key=len, reverse=True)
        number = [str(i)] if str(i) in tokenizer.vocabulary else ["[UNK]"]
        assert [tokenizer.vocabulary[token] for token in first] == [
            *("mr", ".", "smith", "wrote", "&", "lt", ";"),
            *(*number, "&", "gt", ";", "once", "."),
        ]
        assert [tokenizer.vocabulary[token] for token in second] == ["he", "left", "."]


def test_special_tokens_are_found_by_their_spelling(prepared, tmp_path):
    """BERT's own vocabulary has them at 101 to 103."""
    tokens = ["[PAD]", "[unused0]", "one", "two", "##s", ".", "[MASK]", "[SEP]", "[UNK]", "[CLS]"]
    (tmp_path / "vocab.txt").write_text("\n".join(tokens) + "\n")
    text = f"text: {{tokenizer: {{kind: wordpiece, vocabulary: {tmp_path}/vocab.txt}}}}"
    data = write(tmp_path, ["One. Twos."] * 3)
    directory = prepared(data, text, "task: {kind: masked_language_model, pairs: none}")
    assert [example["ids"] for example in examples(directory, "train")] == [
        [9, 2, 5, 3, 4, 5, 7]
    ] * 3
    directory = prepared(data, text, "task: {kind: language_model}", "model: {kind: awd_lstm}")
    assert examples(directory, "train")[0]["ids"] == [9, 2, 5, 3, 4, 5, 7]
    (tmp_path / "vocab.txt").write_text("\n".join(tokens[:-4]) + "\n[UNK]\n")
    with pytest.raises(JobError, match=r"no token \[CLS\] or <s> and no \[SEP\] or </s> and no \["):
        prepared(data, text, "task: {kind: masked_language_model, pairs: none}")
