"""Ids of BERT's own vocabulary beside those of Hugging Face's tokenizer.

What differs: words of 101 to 400 bytes (unknown there, pieces here); `[MASK]` and the like written
in a text (special tokens there, never here); characters that the two know by different versions of
Unicode, with 256 ideographs that a slip of the pen leaves out there (U+2B920 for U+2B820).
"""

import gzip
import json
import unicodedata
from itertools import islice

import pytest
import tensorflow as tf

from configs.data import Text
from pipeline.text import tokenizers, vocabulary

UNCASED = {"lower": True, "strip_accents": True, "drop_controls": True}
CASED = {"lower": False, "unicode": "none", "drop_controls": True}
LEFT_OUT = set(range(0x2B820, 0x2B920))


@pytest.fixture(scope="module", params=[UNCASED, CASED], ids=["uncased", "cased"])
def both(request, data):
    """Two functions from texts to ids, theirs and ours."""
    path = str(data / "bert_assets" / "bert-base-uncased-vocab.txt")
    theirs = pytest.importorskip("tokenizers").BertWordPieceTokenizer(
        path, lowercase=request.param["lower"]
    )
    tokenizer = {"kind": "wordpiece", "vocabulary": path}
    settings = Text(tokenizer=tokenizer, **request.param)
    ours = tokenizers.Tokenizer(settings, vocabulary.ready(settings.tokenizer))
    return (
        lambda texts: [e.ids for e in theirs.encode_batch(texts, add_special_tokens=False)],
        lambda texts: ours.all_ids(tf.constant(texts)).to_list(),
    )


def first(number, path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [line.rstrip("\n") for line in islice(file, number)]


def test_ids_of_real_lines_are_the_same(both, data):
    """Film reviews, novels, tweets, captions in German and French."""
    theirs, ours = both
    texts = [json.loads(line)["text"] for line in first(5000, data / "imdb" / "test.jsonl.gz")]
    novels = first(30, data / "novels" / "novels.jsonl.gz")
    texts += [line for novel in novels for line in json.loads(novel)["text"].split("\n")][:5000]
    for name in ("wnut17train.conll", "emerging.dev.conll"):
        rows = (data / "wnut17" / name).read_text(encoding="utf-8").split("\n\n")
        texts += [" ".join(line.split("\t")[0] for line in row.split("\n")) for row in rows]
    for language in ("de", "fr"):
        texts += first(4000, data / "multi30k" / f"train.{language}.gz")
    assert len(texts) > 20_000
    different = [t for t, a, b in zip(texts, theirs(texts), ours(texts), strict=True) if a != b]
    assert different == []


def test_characters_differ_by_versions_of_unicode_alone(both):
    """Of those that there were in 2002, four: their categories have changed since."""
    theirs, ours = both
    known = [c for c in map(chr, range(1, 0x110000)) if unicodedata.ucd_3_2_0.category(c)[0] != "C"]
    texts = [f"a{character}b" for character in known]
    pairs = zip(known, theirs(texts), ours(texts), strict=True)
    different = {c for c, a, b in pairs if a != b and ord(c) not in LEFT_OUT}
    assert different <= set("\u166d\u1734\u1885\u1886")


@pytest.mark.parametrize("text", ["[MASK]", "a [SEP] b"])
def test_a_text_never_has_a_special_token_here(both, text):
    theirs, ours = both
    special = {101, 102, 103}
    assert special & set(theirs([text])[0])
    assert not special & set(ours([text])[0])


def test_words_of_more_than_400_bytes_are_unknown_here_too(both):
    theirs, ours = both
    texts = ["a" * 100, "a" * 401, f"({'a' * 401})"]
    assert theirs(texts) == ours(texts)
    assert theirs(["a" * 101]) != ours(["a" * 101])
