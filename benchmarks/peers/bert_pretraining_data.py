"""Examples for BERT's pretraining as google-research/bert's create_pretraining_data.py makes them.

python benchmarks/peers/bert_pretraining_data.py FOLDER VOCABULARY OUTPUT

Its method, written anew: one Python process, tokens as lists of strings, all documents and then all
examples in memory, WordPieces found greedily by slices of a word, features as lists of integers.
Sentences are those of textmill's splitter, which its users have to bring.
"""

import collections
import json
import random
import re
import sys
import unicodedata
from pathlib import Path

import sentencex

LENGTH, MASKS, SHORT, RATE = 128, 20, 0.1, 0.15
PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~]|[^\w\s])")


def words(text: str) -> list[str]:
    """Lower case, without accents, punctuation by itself."""
    decomposed = unicodedata.normalize("NFD", text.lower())
    plain = "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
    return PUNCTUATION.sub(r" \1 ", plain).split()


def pieces(word: str, vocabulary: dict[str, int]) -> list[str]:
    """The longest piece that is known, again and again."""
    found, start = [], 0
    while start < len(word):
        end = len(word)
        while end > start:
            piece = ("##" if start else "") + word[start:end]
            if piece in vocabulary:
                break
            end -= 1
        if end == start:
            return ["[UNK]"]
        found.append(piece)
        start = end
    return found


def documents(folder: Path, vocabulary: dict[str, int]) -> list[list[list[str]]]:
    """Of each document its sentences, of each sentence its tokens."""
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                parts = sentencex.segment("en", json.loads(line)["text"])
                tokens = [[p for w in words(s) for p in pieces(w, vocabulary)] for s in parts]
                found.append([sentence for sentence in tokens if sentence])
    return [document for document in found if document]


def pairs(everything: list, index: int, draw: random.Random) -> list[tuple[list, list, bool]]:
    """The pairs of texts of a document, and whether the second is another document's."""
    document, found, chunk, size, place = everything[index], [], [], 0, 0
    most = LENGTH - 3
    target = draw.randint(2, most) if draw.random() < SHORT else most
    while place < len(document):
        chunk.append(document[place])
        size += len(document[place])
        if place == len(document) - 1 or size >= target:
            cut = draw.randint(1, len(chunk) - 1) if len(chunk) > 1 else 1
            first, second = [t for s in chunk[:cut] for t in s], []
            other = len(chunk) == 1 or draw.random() < 0.5
            if other:
                number = draw.randrange(len(everything) - 1)
                strange = everything[number + (number >= index)]
                for sentence in strange[draw.randrange(len(strange)) :]:
                    second.extend(sentence)
                    if len(second) >= target - len(first):
                        break
                place -= len(chunk) - cut
            else:
                second = [t for s in chunk[cut:] for t in s]
            while len(first) + len(second) > most:
                longer = first if len(first) > len(second) else second
                longer.pop(0 if draw.random() < 0.5 else -1)
            if first and second:
                found.append((first, second, other))
            chunk, size = [], 0
        place += 1
    return found


def masked(tokens: list[str], vocabulary: list[str], draw: random.Random) -> tuple[list, list]:
    """The tokens with masks in them, and (place, token) of what is hidden."""
    places = [i for i, token in enumerate(tokens) if token not in ("[CLS]", "[SEP]")]
    draw.shuffle(places)
    shown, hidden = list(tokens), []
    for place in places[: min(MASKS, max(1, round(len(tokens) * RATE)))]:
        if draw.random() < 0.8:
            shown[place] = "[MASK]"
        elif draw.random() < 0.5:
            shown[place] = vocabulary[draw.randrange(len(vocabulary))]
        hidden.append((place, tokens[place]))
    return shown, sorted(hidden)


def write(examples: list, numbers: dict[str, int], path: Path) -> None:
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as writer:
        for shown, second, hidden, other in examples:
            empty, gap = [0] * (LENGTH - len(shown)), [0] * (MASKS - len(hidden))
            features = {
                "input_ids": [numbers[token] for token in shown] + empty,
                "input_mask": [1] * len(shown) + empty,
                "segment_ids": [0] * (len(shown) - second) + [1] * second + empty,
                "masked_lm_positions": [place for place, _ in hidden] + gap,
                "masked_lm_ids": [numbers[token] for _, token in hidden] + gap,
                "next_sentence_labels": [int(other)],
            }
            lists = collections.OrderedDict(
                (name, tf.train.Feature(int64_list=tf.train.Int64List(value=values)))
                for name, values in features.items()
            )
            lists["masked_lm_weights"] = tf.train.Feature(
                float_list=tf.train.FloatList(value=[1.0] * len(hidden) + [0.0] * len(gap))
            )
            example = tf.train.Example(features=tf.train.Features(feature=lists))
            writer.write(example.SerializeToString())


def main() -> None:
    folder, vocabulary_path, output = map(Path, sys.argv[1:])
    output.mkdir()
    spelled = vocabulary_path.read_text(encoding="utf-8").splitlines()
    numbers = {token: number for number, token in enumerate(spelled)}
    draw = random.Random(12345)
    everything = documents(folder, numbers)
    draw.shuffle(everything)
    examples = []
    for index in range(len(everything)):
        for first, second, other in pairs(everything, index, draw):
            tokens = ["[CLS]", *first, "[SEP]", *second, "[SEP]"]
            shown, hidden = masked(tokens, spelled, draw)
            examples.append((shown, len(second) + 1, hidden, other))
    draw.shuffle(examples)
    write(examples, numbers, output / "examples.tfrecord")
    print(f"{len(examples)} examples of {len(everything)} documents")


if __name__ == "__main__":
    main()
