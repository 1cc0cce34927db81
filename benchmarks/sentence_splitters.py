"""Where sentences end in paragraphs of the English Web Treebank, and how fast that is found.

    pip install blingfire nltk pysbd syntok numpy     # beside textmill's own
    python benchmarks/sentence_splitters.py

The paragraphs are those of dev and test with their sentences joined by a space; what is scored is
the ends of sentences inside of them. Speeds are of the paragraphs of two novels. Reads ud_ewt/ and
novels/ of the folder TEXTMILL_DATA.
"""

import gzip
import json
import time
from collections.abc import Callable, Iterator

from corpus import DATA

Split = Callable[[str], list[str]]
MOST = 1_000_000  # characters of novels


def paragraphs() -> Iterator[list[str]]:
    """Lists of sentences."""
    for part in ("dev", "test"):
        text = gzip.decompress((DATA / "ud_ewt" / f"{part}.conllu.gz").read_bytes()).decode()
        found: list[str] = []
        for block in text.strip().split("\n\n"):
            lines = block.split("\n")
            if found and any(line.startswith(("# newpar", "# newdoc")) for line in lines):
                yield found
                found = []
            found.append(next(line[9:] for line in lines if line.startswith("# text = ")))
        yield found


def novels() -> list[str]:
    with gzip.open(DATA / "novels" / "novels.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line, _ in zip(lines, range(2), strict=False)]
    return [line for text in texts for line in text.split("\n") if line]


def ends(sentences: list[str]) -> set[int]:
    """Places inside a paragraph, counted without spaces."""
    found, place = set(), 0
    for sentence in sentences:
        place += len("".join(sentence.split()))
        found.add(place)
    return found - {0, place}


def splitters() -> Iterator[tuple[str, Split]]:
    import blingfire
    import pysbd
    import sentencex
    import tensorflow as tf
    import tensorflow_text as tf_text
    from nltk.tokenize.punkt import PunktSentenceTokenizer
    from syntok import segmenter

    breaker = tf_text.StateBasedSentenceBreaker()
    yield "sentencex", lambda text: list(sentencex.segment("en", text))
    yield "nltk, Punkt untrained", PunktSentenceTokenizer().tokenize
    yield "pysbd", pysbd.Segmenter(language="en", clean=False).segment
    yield "blingfire", lambda text: blingfire.text_to_sentences(text).split("\n")
    yield (
        "syntok",
        lambda text: [
            "".join(token.spacing + token.value for token in sentence)
            for paragraph in segmenter.process(text)
            for sentence in paragraph
        ],
    )
    yield (
        "tensorflow-text, StateBasedSentenceBreaker, a text at a time",
        lambda text: [s.decode() for s in breaker.break_sentences(tf.constant([text]))[0].numpy()],
    )


def main() -> None:
    gold, lines = list(paragraphs()), novels()
    print("| splitter | precision | recall | F1 | MB/s |\n|---|---|---|---|---|")
    for name, split in splitters():
        right = found = there = 0
        for sentences in gold:
            own, expected = ends(split(" ".join(sentences))), ends(sentences)
            right, found = right + len(own & expected), found + len(own)
            there += len(expected)
        precision, recall = right / found, right / there
        f1 = 2 * precision * recall / (precision + recall)
        start, size = time.process_time(), 0
        for line in lines:
            split(line)
            size += len(line)
            if size > MOST or time.process_time() - start > 10:
                break
        speed = size / 1e6 / (time.process_time() - start)
        print(f"| {name} | {precision:.3f} | {recall:.3f} | {f1:.3f} | {speed:.2g} |", flush=True)


if __name__ == "__main__":
    main()
