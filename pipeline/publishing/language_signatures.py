"""The functions of an exported language model: how likely a text is, and its words' vectors."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from configs.tasks import LanguageModel
from pipeline import build, data
from pipeline.perplexity import DocumentLosses
from pipeline.publishing.golden import Example
from pipeline.publishing.servable import Servable
from pipeline.text.characters import SENTENCE_END, SENTENCE_START
from pipeline.text.model_inputs import ModelInputs
from pipeline.text.special import SPECIAL

START, END = SPECIAL.index("[CLS]"), SPECIAL.index("[SEP]")


class Scorer:
    """A language model of both directions as a model of whole texts.

    Call: `ids` (B, T) and `characters` (B, T, LONGEST) -> {"losses": (B, T + 1), of each word and
    of the end, 0 at padding; "targets": (B, T + 1), 0 at padding}.
    """

    def __init__(self, model: Any) -> None:
        self.model, self.weights = model, model.weights
        self.input = {name: model.input[name] for name in ("characters",)}
        self.input["ids"] = model.input["targets"]

    def __call__(self, inputs: dict[str, tf.Tensor], training: bool) -> dict[str, tf.Tensor]:
        ids, words = inputs["ids"], inputs["characters"]
        length = tf.reduce_sum(tf.cast(ids != 0, tf.int32), axis=1)
        ids, words = bounded(ids, START, END, length), bounded(words, SENTENCE_START, SENTENCE_END, length)
        shown = {}
        for prefix, turn in (("", lambda x: x), ("second_", lambda x: turned(x, length + 2))):
            shown[f"{prefix}targets"] = turn(ids)[:, 1:]
            shown[f"{prefix}characters"] = turn(words)[:, :-1]
            shown[f"{prefix}fresh"] = tf.zeros_like(shown[f"{prefix}targets"], tf.bool)
        for name, tensor in self.model.input.items():
            if name.startswith("state_"):
                shown[name] = tf.zeros([tf.shape(ids)[0], tensor.shape[-1]])
        losses = self.model({name: shown[name] for name in self.model.input}, training=training)
        real = tf.cast(shown["targets"] != 0, tf.float32)
        return {"losses": losses["losses"] * real, "targets": shown["targets"]}
