"""Small data of every task, prepared without Beam."""

from collections import Counter

import numpy as np

from pipeline import artifacts


def write_prepared(folder, recipe, splits, labels, unseen=()):
    """Write what `pipeline.prepare` would.

    Args: splits, {name: [(text, label, {column: value})]}; a label is an id, a list of ids or a
        number; unseen, the names of the ids after those of `labels`.
    """
    import tensorflow as tf

    from pipeline.text import tokenizers, vocabulary

    words = Counter(word for text, _, _ in splits["train"] for word in text.lower().split())
    tokenizer = tokenizers.Tokenizer(recipe.text, vocabulary.learn(words, recipe.text.tokenizer))
    facts = {
        "splits": {},
        "records": 0,
        "dead_letters": {},
        "vocabulary_size": tokenizer.vocabulary_size,
    }
    if unseen:
        facts["unseen_labels"] = {"names": unseen, "splits": {}}
    mark = artifacts.fingerprint(recipe.model_dump(mode="json"), splits)
    with artifacts.publish(folder, mark, facts) as out:
        tokenizer.save(out / "tokenizer")
        artifacts.write_json(out / "labels.json", labels)
        artifacts.write_json(out / "report.json", {})
        for name, rows in splits.items():
            shard = f"{name}-00000-of-00001.tfrecord"
            tokens = 0
            with tf.io.TFRecordWriter(str(out / shard)) as writer:
                ids = tokenizer.ids(tf.constant([text for text, _, _ in rows]))
                for (text, label, columns), row in zip(rows, ids.to_list(), strict=True):
                    writer.write(example(text, label, columns, row).SerializeToString())
                    tokens += len(row)
            facts["splits"][name] = {"examples": len(rows), "tokens": tokens, "shards": [shard]}
    return folder


def example(text, label, columns, ids):
    import tensorflow as tf

    def raw(*values):
        values = [value.encode() for value in values]
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))

    def whole(values):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))

    if isinstance(label, float):
        labelled = tf.train.Feature(float_list=tf.train.FloatList(value=[label]))
    else:
        labelled = whole(label if isinstance(label, list) else [label])
    # Of taggers the words to tag, which no other task has.
    features = {"ids": whole(ids), "words": raw(*text.split()), "text": raw(text)}
    features["label"] = labelled
    features |= {f"column/{name}": raw(value) for name, value in columns.items()}
    return tf.train.Example(features=tf.train.Features(feature=features))


COLOURS = ["blue", "green", "red"]
FILLERS = ["a", "the", "one", "two", "paint", "house", "some", "more", "of", "it"]


def make_rows(number, seed, label):
    """Texts with one to three colours among fillers. Args: label, of the colours in a text."""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(number):
        colours = list(random.permutation(COLOURS)[: random.integers(1, 4)])
        words = [*colours, *random.choice(FILLERS, random.integers(1, 8))]
        text = " ".join(random.permutation(words))
        rows.append((text, label(colours, text), {"end": text.split()[-1][0]}))
    return rows


LABELS = {
    # The first colour in the alphabet, and now and then another one, so that no model is perfect.
    "classify": lambda colours, text: COLOURS.index((max if len(text) % 10 == 0 else min)(colours)),
    "multilabel": lambda colours, _: sorted(COLOURS.index(colour) for colour in colours),
    "regress": lambda colours, _: float(len(colours)),
}


# Of a word outside, of a colour alone, of a colour before a house, of such a house.
TAGS = {
    "plain": ["X", "NOUN", "ADJ", "PROPN"],
    "bio": ["O", "B-colour", "B-thing", "I-thing"],
}


def make_tagged(number, seed, names):
    """Texts in which colours, and houses with a colour before them, are tagged; a few not so."""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(number):
        tagged = [(word, 0) for word in random.choice(FILLERS, random.integers(2, 8))]
        for colour in random.choice(COLOURS, random.integers(0, 3)):
            span = [(colour, 2), ("house", 3)] if random.random() < 0.5 else [(colour, 1)]
            if random.random() < 0.1:
                span = [(word, 0) for word, _ in span]
            # In the end or the beginning, so that no span is torn apart.
            tagged = tagged + span if random.random() < 0.5 else span + tagged
        words, tags = zip(*tagged, strict=True)
        rows.append((" ".join(words), list(tags), {"end": words[-1][0]}))
    return rows
