"""Pretrained vectors from every sort of file, made here byte by byte."""

import gzip
import struct

import numpy as np
import pytest

from configs.loading import RecipeError
from pipeline.errors import JobError
from pipeline.vectors import Coverage, load, words

WORDS = {"the": (1.0, -2.0), "Paris": (0.5, 0.25), "paris": (9.0, 9.0), "naïve": (3e-2, 4.0)}
VOCABULARY = ["[PAD]", "[UNK]", "the", "PARIS", "naïve", "unheard"]


def text(words, header=False, ending="\n"):
    lines = [f"{len(words)} 2"] if header else []
    lines += [" ".join([word, *map(str, vector)]) for word, vector in words.items()]
    return "".join(line + ending for line in lines).encode()


def binary(words, between=b"\n"):
    entries = [
        w.encode() + b" " + struct.pack("<2f", *vector) + between for w, vector in words.items()
    ]
    return f"{len(words)} 2\n".encode() + b"".join(entries)


def npz(words, path):
    np.savez(path, words=np.array(list(words)), vectors=np.array(list(words.values())))
    return path.read_bytes()


FILES = {
    "glove.txt": lambda path: text(WORDS),
    "windows.txt": lambda path: text(WORDS, ending=" \r\n"),
    "word2vec.txt": lambda path: text(WORDS, header=True),
    "glove.txt.gz": lambda path: gzip.compress(text(WORDS)),
    "word2vec.bin": lambda path: binary(WORDS),
    "packed.bin": lambda path: binary(WORDS, between=b""),
    "word2vec.bin.gz": lambda path: gzip.compress(binary(WORDS)),
    "vectors.npz": lambda path: npz(WORDS, path),
}


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content)
        return str(path)

    return write


@pytest.mark.parametrize("name", FILES)
def test_every_sort_of_file_gives_the_same_rows(name, write, tmp_path):
    path = write(name, FILES[name](tmp_path / name))
    matrix, coverage = load(path, VOCABULARY, 2, seed=1)
    assert matrix.shape == (6, 2)
    assert matrix.dtype == np.float32
    # PARIS is nowhere in that case, and Paris stands before paris.
    np.testing.assert_allclose(matrix[2:5], [WORDS["the"], WORDS["Paris"], WORDS["naïve"]])
    assert coverage == Coverage(words=4, found=3, running=None)


def test_exact_spelling_wins_and_the_first_vector_of_a_word(write):
    path = write("v.txt", b"US 1 1\nus 2 2\nus 3 3\n")
    matrix, _ = load(path, ["us", "US", "Us"], 2, seed=1)
    np.testing.assert_array_equal(matrix, [[2, 2], [1, 1], [1, 1]])


def test_running_words_are_counted_when_counts_are_known(write):
    path = write("glove.txt", text(WORDS))
    counts = np.array([0, 10, 60, 5, 5, 20])
    assert load(path, VOCABULARY, 2, 1, counts)[1].running == pytest.approx(0.7)


def test_missing_words_have_the_variance_of_those_found(write):
    random = np.random.default_rng(0)
    found = {f"word{n}": random.normal(0, 0.4, size=50) for n in range(300)}
    path = write("v.txt", text(found))
    vocabulary = [*found, *(f"unheard{n}" for n in range(300))]
    matrix, _ = load(path, vocabulary, 50, seed=1)
    bound = np.sqrt(3 * np.var(list(found.values())))
    missing = matrix[300:]
    assert missing.var() == pytest.approx(matrix[:300].var(), rel=0.02)
    assert 0.99 * bound < np.abs(missing).max() <= bound
    np.testing.assert_array_equal(missing, load(path, vocabulary, 50, seed=1)[0][300:])
    assert np.abs(missing - load(path, vocabulary, 50, seed=2)[0][300:]).max() > 0.1


def test_words_with_spaces_are_words(write):
    path = write("v.txt", b"the 1 2\n. . 3 4\n")
    assert load(path, ["the", ". ."], 2, 1)[0].tolist() == [[1, 2], [3, 4]]


def test_binary_numbers_that_look_like_text_are_binary(write):
    path = write("v.bin", b"2 2\nthe 1111-222\na \x00\x00\x80?\x00\x00\x00@\n")
    matrix, _ = load(path, ["the", "a"], 2, 1)
    assert matrix[0].tolist() == list(struct.unpack("<2f", b"1111-222"))
    assert matrix[1].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("v.txt", b"the 1 2\nof 3\n", "v.txt:2: expected a word and 2 numbers, got 2"),
        ("v.txt", b"the 1 2\n\nof 3 4\n", "v.txt:2: expected a word and 2 numbers, got 0"),
        ("v.txt", b"the 1 2\nof 3 4 5\n", "v.txt:2: expected a word and 2 numbers, got 4"),
        ("v.txt", b"2 2\nof 3 4\nthe 1 x\n", "v.txt:3: could not convert .*'x'"),
        ("v.txt", b"of 3 4\nthe 1 nan\n", "the vector of 'the' holds nan"),
        ("v.txt", b"3 2\nof 3 4\nthe 1 2\n", "promises 3 words, but 2 follow"),
        ("v.bin", binary(WORDS)[:-5], "cut short .*word 4 of 4"),
        # Without the time that gzip writes, which would stand in the name of the test.
        ("v.bin.gz", gzip.compress(binary(WORDS), mtime=0)[:-20], "damaged or cut short"),
        ("v.txt.gz", text(WORDS), "damaged or cut short .*gzip"),
        ("v.npz", b"PK\x03\x04nothing", "damaged or cut short"),
        ("v.txt", b"", "cut short .empty"),
        ("v.txt", b"le 1 2\n", "none of the vocabulary's 2 words, such as 'the', 'of'"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(name, content, message, write):
    with pytest.raises(JobError, match=message):
        load(write(name, content), ["the", "of"], 2, seed=1)


def test_arrays_of_other_names_are_refused(tmp_path):
    np.savez(tmp_path / "v.npz", matrix=np.zeros((2, 2)))
    with pytest.raises(JobError, match="expected arrays `words` and `vectors`, got matrix"):
        load(str(tmp_path / "v.npz"), ["the"], 2, seed=1)


@pytest.mark.parametrize("name", FILES)
def test_another_width_is_the_recipes_mistake(name, write, tmp_path):
    path = write(name, FILES[name](tmp_path / name))
    with pytest.raises(RecipeError, match=r"set model\.embedding\.width=2"):
        load(path, VOCABULARY, 300, seed=1)


def test_a_missing_file_is_the_recipes_mistake():
    with pytest.raises(RecipeError, match=r"no file of word vectors nowhere/glove\.txt"):
        load("nowhere/glove.txt", VOCABULARY, 2, seed=1)


@pytest.mark.parametrize("ending", ["txt", "npz"])
def test_the_first_words_of_a_file(tmp_path, ending):
    path = tmp_path / f"vectors.{ending}"
    if ending == "npz":
        np.savez(path, words=np.array(["the", "Of", "and"]), vectors=np.eye(3))
    else:
        path.write_text("the 1 0 0\nOf 0 1 0\nand 0 0 1\n", encoding="utf-8")
    assert words(path, 2) == ["the", "Of"]
    assert words(path, 5) == ["the", "Of", "and"]
