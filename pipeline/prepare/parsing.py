"""The shards of a split -> its examples, a part at a time."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline import artifacts
from pipeline.errors import JobError


def parsed_examples(prepared: Path, name: str, features: dict, size: int) -> Iterable[dict]:
    """What `features` describes of a split's examples, at most `size` of them at a time.

    Each part is a dict by the features' names: (B,) tensors, and ragged (B, None) ones.

    Raises:
        JobError: the prepared data has no such split, or has changed since it was written.
    """
    import tensorflow as tf

    splits = artifacts.manifest(prepared)["splits"]
    if name not in splits:
        raise JobError(
            f"{prepared} has no split {name!r}, only {', '.join(splits)}: set data.{name}"
        )
    artifacts.check(prepared, *splits[name]["shards"])
    records = tf.data.TFRecordDataset([str(prepared / file) for file in splits[name]["shards"]])
    parsed = records.batch(size).map(lambda batch: tf.io.parse_example(batch, features))
    return untuned(parsed.prefetch(1))


def untuned(dataset: Any) -> Any:
    """The dataset without tf.data's thread that tunes it.

    Nothing here is left to be tuned, and that thread may sleep for most of a minute before it lets
    an iterator that has come to its end go.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
