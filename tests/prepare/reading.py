"""What tests read prepared data with: TensorFlow's and the standard library's own readers."""

import json

import tensorflow as tf


def examples(directory, split):
    """All examples of a split in order: [{"ids": [...], "label": [...], "text": str, ...}].

    Without their origins, which files with the same rows differ in.
    """
    shards = json.loads((directory / "manifest.json").read_text())["splits"][split]["shards"]
    found = []
    for record in tf.data.TFRecordDataset([str(directory / shard) for shard in shards]):
        features = tf.train.Example.FromString(record.numpy()).features.feature
        example = {}
        for name, feature in features.items():
            kind = feature.WhichOneof("kind")
            values = list(getattr(feature, kind).value)
            if kind == "bytes_list":
                values = [value.decode() for value in values]
                values = values if name in ("words", "answers") else values[0]
            example[name] = values
        example.pop("origin", None)
        found.append(example)
    return found


def dead_letters(directory):
    letters = []
    for path in sorted((directory / "dead_letters").glob("*.jsonl")):
        letters += [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return letters


def content(directory):
    """Every file's bytes by name."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}
