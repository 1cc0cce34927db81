"""What one text can cost: each step of the text path on texts that were made to be slow.

    python benchmarks/hostile_texts.py [STEP ...]

Texts of 250 KB, 500 KB and 1 MB, in seconds of processor time. Of each step that text is shown
which takes longest, and that whose time grows most from the first size to the last: four times is
linear. Nothing is read; vocabularies are learned from a line of text.
"""

import sys
import time
from collections.abc import Callable, Iterator

import tensorflow as tf

from configs.data import Text
from pipeline.text import cleaning, splitting, tokenizers, vocabulary
from pipeline.text.characters import character_ids
from pipeline.text.masked_texts import masked_ids
from pipeline.text.sentences import sentences

SIZES = (250_000, 500_000, 1_000_000)  # bytes
SLOW = 0.05  # seconds, below which growth is noise
LINE = "the quick brown fox don't ! , . 漢 字 สวัสดี e\u0301 abcdefgh ab a b c d e f g h 👨 [MASK]"
REPEATED = {
    "letters": b"abcdefgh",
    "capitals with accents": "ÀÉ".encode(),
    "short words": b"a ",
    "spaces": b" ",
    "wide spaces": "\u3000\u00a0".encode(),
    "new lines": b"\n",
    "punctuation": b"!",
    "apostrophes": b"a'",
    "NULs": b"\0",
    "bytes that are no UTF-8": b"\xff\xe2\x82",
    "alternating marks": "\u0301\u0316".encode(),
    "emoji with joiners": "👨\u200d👩\u200d👧\u200d".encode(),
    "Hangul Jamo": "\u1100\u1161\u11a8".encode(),
    "vowels of Hangul alone": "\u1161".encode(),
    "marks that join backwards": "\u09c7\u09be".encode(),
    "five scripts": "aя漢กعあ".encode(),
    "Thai": "สวัสดีครับ".encode(),
    "left angles": b"<",
    "tags that do not end": b"<a",
    "comments that do not end": b"<!-- <a>",
    "ends of comments": b"-->",
    "ampersands": b"&amp;",
    "sigmas": "Σ'".encode(),
    "dotted I": "İ".encode(),
    "ligatures of 18 letters": "\ufdfa".encode(),
    "unseen characters": "\u200b".encode(),
    "masks": b"[MASK]",
}
HALVES = {
    "two kinds of marks": ("\u0301", "\u0316"),
    "marks of half width": ("\u0301", "\uff9e"),
    "a sigma before marks": ("Σ", "\u0301"),
}


def texts(size: int) -> Iterator[tuple[str, bytes]]:
    for name, part in REPEATED.items():
        yield name, part * (size // len(part))
    for name, halves in HALVES.items():
        first, second = (half.encode() for half in halves)
        yield name, first * (size // 2 // len(first)) + second * (size // 2 // len(second))


def tokenizer(kind: str, **settings: object) -> tokenizers.Tokenizer:
    text = Text.model_validate({"tokenizer": kind, **settings})
    counts = {word: 10 + n for n, word in enumerate(LINE.split())}
    return tokenizers.Tokenizer(text, vocabulary.learn(counts, text.tokenizer))


def steps() -> Iterator[tuple[str, Callable]]:
    """Names of steps, and what takes (1,) string."""
    everything = {"unicode": "nfkc", "html": True, "strip_accents": True, "drop_controls": True}
    yield "valid UTF-8", cleaning.valid_utf8
    for name, value in {"unicode": "nfc", **everything, "lower": True, "whitespace": True}.items():
        alone = {"unicode": "none", "lower": False, "whitespace": False, name: value}
        settings = Text.model_validate(alone)
        yield f"clean: {name}", lambda x, settings=settings: cleaning.clean(x, settings)
    settings = Text.model_validate({"unicode": "nfkc"})
    yield "clean: unicode nfkc", lambda x: cleaning.clean(x, settings)
    for name in ("words", "punctuation", "whitespace", "runs", "characters"):
        yield f"split: {name}", getattr(splitting, f"split_{name}")
    kinds = {
        "words": {"kind": "word"},
        "wordpiece": {"kind": "wordpiece", "size": 150, "min_count": 1},
        "unigram": {"kind": "sentencepiece", "size": 60},
        "bpe": {"kind": "sentencepiece", "size": 60, "algorithm": "bpe"},
        "character": {"kind": "character"},
    }
    for kind, said in kinds.items():
        made = tokenizer(said, **everything)
        yield f"{kind}: all ids", made.all_ids
        yield f"{kind}: first ids", made.ids
        yield f"{kind}: places", made.places
        yield f"{kind}: a given word", lambda x, made=made: made.ids_of_words(_one_word(x))
        if kind == "words":
            yield "words: in raw texts", made.words
            yield "words: characters", lambda x, made=made: character_ids(made.first_pieces(x))
            yield "words: joined", lambda x, made=made: made.texts_of(made.all_ids(x))
        if kind == "wordpiece":
            yield "wordpiece: with masks", lambda x, made=made: masked_ids(made, x)
    yield "sentences", lambda x: sentences(x.numpy()[0].decode("utf-8", "replace"), "en")


def _one_word(texts: tf.Tensor) -> tf.RaggedTensor:
    return tf.RaggedTensor.from_row_lengths(texts, tf.ones_like(texts, tf.int64))


def seconds(step: Callable, text: bytes) -> float:
    given = tf.constant([text])
    started = time.process_time()
    step(given)
    return time.process_time() - started


def main() -> None:
    print("| step | slowest text | 250 KB | 500 KB | 1 MB | grows most | times |")
    print("|---|---|---|---|---|---|---|")
    for name, step in steps():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        step(tf.constant(["warm up"]))
        took = {text: [seconds(step, given)] for text, given in texts(SIZES[0])}
        for size in SIZES[1:]:
            for text, given in texts(size):
                took[text].append(seconds(step, given))
        slowest = max(took, key=lambda text: took[text][-1])
        grown = {text: own[-1] / max(own[0], SLOW / 4) for text, own in took.items()}
        most = max(grown, key=lambda text: grown[text])
        times = " | ".join(f"{value:.2f}" for value in took[slowest])
        print(f"| {name} | {slowest} | {times} | {most} | {grown[most]:.1f} |", flush=True)


if __name__ == "__main__":
    main()
