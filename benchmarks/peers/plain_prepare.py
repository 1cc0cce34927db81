"""Tokenize JSONL files in two Python processes, with textmill's tokenizer and no more of it.

python benchmarks/peers/plain_prepare.py FOLDER RECIPE OUTPUT
"""

import json
import multiprocessing
import sys
from itertools import islice
from pathlib import Path

LABELS = {"positive": 0, "negative": 1, "unsup": 2, "novels": 3}


def write(path: Path, recipe: str, output: Path) -> None:
    import numpy as np
    import tensorflow as tf

    from configs.loading import load
    from pipeline.prepare.examples import encode, integers, strings
    from pipeline.text import vocabulary
    from pipeline.text.tokenizers import Tokenizer

    text = load(recipe).text
    tokenizer = Tokenizer(text, vocabulary.ready(text.tokenizer))
    with open(path, "rb") as lines, tf.io.TFRecordWriter(str(output / path.name)) as writer:
        while records := [json.loads(line) for line in islice(lines, 1000)]:
            texts = [record["text"].encode() for record in records]
            ids = tokenizer.ids(tf.constant(texts))
            labels = np.array([LABELS[record["label"]] for record in records])
            features = [
                integers("ids", ids.flat_values.numpy(), ids.row_lengths().numpy()),
                integers("label", labels, np.ones(len(labels), int)),
                strings("text", texts),
            ]
            for example in encode(features):
                writer.write(example)


if __name__ == "__main__":
    folder, recipe, output = sys.argv[1:]
    Path(output).mkdir()
    jobs = [(path, recipe, Path(output)) for path in sorted(Path(folder).glob("*.jsonl"))]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.starmap(write, jobs, chunksize=1)
