"""Exported language models read whole texts: the windows and states of training are left behind."""

from typing import Any

import tensorflow as tf

from configs.tasks import LanguageModel
from pipeline.text.characters import SENTENCE_END, SENTENCE_START
from pipeline.text.special import END, START


class BothDirections:
    """A language model of both directions over characters, to be asked for whole texts.

    Call: `ids` (B, T), `characters` (B, T, LONGEST) -> {"losses": (B, T + 1), of the words and the
    end of each text, "real": (B, T + 1) float, 0 at padding}.
    """

    def __init__(self, model: Any) -> None:
        self.model, self.weights = model, model.weights
        self.input = {"ids": model.input["targets"], "characters": model.input["characters"]}

    def __call__(self, inputs: dict[str, tf.Tensor], training: bool) -> dict[str, tf.Tensor]:
        words = lengths(inputs["ids"])
        ids = bounded(inputs["ids"], words, START, END)
        characters = bounded(inputs["characters"], words, SENTENCE_START, SENTENCE_END)
        shown = {
            "targets": ids[:, 1:],
            "characters": characters[:, :-1],
            "second_targets": tf.reverse_sequence(ids, words + 2, seq_axis=1)[:, 1:],
            "second_characters": tf.reverse_sequence(characters, words + 2, seq_axis=1)[:, :-1],
        }
        shown["fresh"] = shown["second_fresh"] = tf.zeros_like(shown["targets"], tf.bool)
        outputs = self.model(from_no_state(self.model, shown), training=training)
        return {"losses": outputs["losses"], "real": tf.cast(shown["targets"] != 0, tf.float32)}


class OneDirection:
    """A language model of one direction over token ids, to be asked for whole texts.

    Each text is read as evaluation reads a document that is alone, beginning with no state: as
    [CLS] w1 ... wn [SEP] or, where states run on from document to document, as [SEP] w1 ... wn
    [SEP], after the end of another. A backward model reads that from its end to its beginning.

    Call: `ids` (B, T) -> {"losses": (B, T + 1), of the words and the end that is read last, "real":
    (B, T + 1) float, 0 at padding}.
    Args: model; task, for its `carry`; backward, whether the model reads so; start, end: the ids of
        [CLS] and [SEP].
    """

    def __init__(
        self, model: Any, task: LanguageModel, backward: bool, start: int, end: int
    ) -> None:
        self.model, self.weights, self.backward = model, model.weights, backward
        self.input = {"ids": model.input["ids"]}
        self.before, self.end = start if task.carry == "document" else end, end

    def __call__(self, inputs: dict[str, tf.Tensor], training: bool) -> dict[str, tf.Tensor]:
        shown = self.shown(inputs["ids"])
        outputs = self.model(shown, training=training)
        return {"losses": outputs["losses"], "real": tf.cast(shown["targets"] != 0, tf.float32)}

    def shown(self, ids: tf.Tensor) -> dict[str, tf.Tensor]:
        """(B, T) -> what the model reads: (B, T + 1) ids and targets, and the rest."""
        words = lengths(ids)
        framed = bounded(ids, words, self.before, self.end)
        if self.backward:
            framed = tf.reverse_sequence(framed, words + 2, seq_axis=1)
        targets = framed[:, 1:]
        read = tf.where(targets != 0, framed[:, :-1], 0)
        shown = {"ids": read, "targets": targets, "fresh": tf.zeros_like(targets, tf.bool)}
        return from_no_state(self.model, shown)

    def after(self, ids: tf.Tensor) -> tf.Tensor:
        """(B, T) -> (B, V) probabilities of the token that comes after each text's last one."""
        hidden = self.model(self.shown(ids), training=False)["hidden"]
        last = tf.gather(hidden, lengths(ids), axis=1, batch_dims=1)
        return tf.exp(log_probabilities(self.model, last[:, None])[:, 0])


def log_probabilities(model: Any, hidden: tf.Tensor) -> tf.Tensor:
    """Of all tokens, after each place: (B, T, D) -> (B, T, V) float32."""
    softmax = model.get_layer("softmax")
    table = tf.convert_to_tensor(model.get_layer("embeddings").table) if softmax.tied else None
    return softmax.log_probabilities(hidden, table)


def lengths(ids: tf.Tensor) -> tf.Tensor:
    """(B, T) -> (B,) int32."""
    return tf.reduce_sum(tf.cast(ids != 0, tf.int32), axis=1)


def from_no_state(model: Any, shown: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The model's inputs: what is shown, and states of 0."""
    states = {
        name: tf.zeros([tf.shape(shown["targets"])[0], tensor.shape[-1]])
        for name, tensor in model.input.items()
        if name.startswith("state_")
    }
    return {name: {**shown, **states}[name] for name in model.input}


def bounded(x: tf.Tensor, length: tf.Tensor, start: Any, end: Any) -> tf.Tensor:
    """(B, T, ...) rows of `length` words -> (B, T + 2, ...), with `start` and `end` around them."""
    rows, one = tf.shape(x)[0], tf.ones_like(x[:, :1])
    padded = tf.concat([one * start, x, tf.zeros_like(one)], axis=1)
    places = tf.stack([tf.range(rows), length + 1], axis=1)
    return tf.tensor_scatter_nd_update(padded, places, (one * end)[:, 0])
