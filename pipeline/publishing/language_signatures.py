"""The functions of an exported language model: how likely a text is, and its words' vectors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from configs.tasks import LanguageModel
from pipeline.build import elmo_layers
from pipeline.data import Sequences, Split
from pipeline.perplexity import DocumentLosses
from pipeline.publishing.golden import Example
from pipeline.publishing.servable import Servable, not_empty
from pipeline.text.characters import SENTENCE_END, SENTENCE_START
from pipeline.text.model_inputs import ModelInputs
from pipeline.text.special import SPECIAL

START, END = SPECIAL.index("[CLS]"), SPECIAL.index("[SEP]")


class Scorer:
    """A language model of both directions, to be asked for whole texts.

    Call: `ids` (B, T), `characters` (B, T, LONGEST) -> {"losses": (B, T + 1), of the words and the
    end of each text, "real": (B, T + 1) float, 0 at padding}.
    """

    def __init__(self, model: Any) -> None:
        self.model, self.weights = model, model.weights
        self.input = {"ids": model.input["targets"], "characters": model.input["characters"]}

    def __call__(self, inputs: dict[str, tf.Tensor], training: bool) -> dict[str, tf.Tensor]:
        words = tf.reduce_sum(tf.cast(inputs["ids"] != 0, tf.int32), axis=1)
        ids = bounded(inputs["ids"], words, START, END)
        characters = bounded(inputs["characters"], words, SENTENCE_START, SENTENCE_END)
        shown = {
            "targets": ids[:, 1:],
            "characters": characters[:, :-1],
            "second_targets": tf.reverse_sequence(ids, words + 2, seq_axis=1)[:, 1:],
            "second_characters": tf.reverse_sequence(characters, words + 2, seq_axis=1)[:, :-1],
        }
        shown["fresh"] = shown["second_fresh"] = tf.zeros_like(shown["targets"], tf.bool)
        for name, tensor in self.model.input.items():
            if name.startswith("state_"):
                shown[name] = tf.zeros([tf.shape(ids)[0], tensor.shape[-1]])
        outputs = self.model({name: shown[name] for name in self.model.input}, training=training)
        return {"losses": outputs["losses"], "real": tf.cast(shown["targets"] != 0, tf.float32)}


def bounded(x: tf.Tensor, length: tf.Tensor, start: Any, end: Any) -> tf.Tensor:
    """(B, T, ...) rows of `length` words -> (B, T + 2, ...), with `start` and `end` around them."""
    rows, one = tf.shape(x)[0], tf.ones_like(x[:, :1])
    padded = tf.concat([one * start, x, tf.zeros_like(one)], axis=1)
    places = tf.stack([tf.range(rows), length + 1], axis=1)
    return tf.tensor_scatter_nd_update(padded, places, (one * end)[:, 0])


def language_servable(tokenizer: Any, model: Any) -> Servable:
    """What tells how likely texts are, and what ELMo's layers say of their words.

    serving_default: text (B,) string -> loss (B,) float32, the mean of -log p of the words and the
    end of a text in both directions; perplexity (B,), e to that; words (B,) int32, how many, the
    end counted. vectors: text (B,) string -> vectors (B, T, L + 1, 2 P) float32, 0 at padding,
    words (B,) int32. B may be 0.
    """
    inputs = ModelInputs(tokenizer, ("ids", "characters"))

    def readable(outputs: dict[str, tf.Tensor], _: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        real = outputs["real"]
        words = tf.reduce_sum(real, axis=1)
        loss = tf.reduce_sum(outputs["losses"] * real, axis=1) / words
        return {"loss": loss, "perplexity": tf.exp(loss), "words": tf.cast(words, tf.int32)}

    served = Servable(inputs, Scorer(model), readable)
    layers = elmo_layers(model)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def from_texts(text):
        return served.outputs(inputs.of_texts(text))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def vectors(text):
        read = inputs.of_texts(text)
        found = layers(not_empty(read["characters"]), training=False)
        return {
            "vectors": tf.cast(found, tf.float32)[: tf.shape(text)[0]],
            "words": tf.reduce_sum(tf.cast(read["ids"] != 0, tf.int32), axis=1),
        }

    served.functions["serving_default"] = from_texts
    served.functions["vectors"] = vectors
    return served


def language_answers(
    examples: Sequence[Example], inputs: ModelInputs, model: Any
) -> list[dict[str, Any]]:
    """One golden request for each text, each scored as a document of its own in evaluation."""
    task = LanguageModel(kind="language_model")
    requests = []
    for (text,) in examples:
        read = {name: x.numpy()[0] for name, x in inputs.of_texts(tf.constant([text])).items()}
        ids = np.array([START, *read["ids"], END], np.int32)
        spelled = [[0] * len(SENTENCE_START), SENTENCE_START, *read["characters"], SENTENCE_END]
        offsets = np.array([0, len(ids)])
        table = np.array(spelled, np.int32)
        split = Split(
            {
                "ids": Sequences(ids, offsets),
                "characters": Sequences(np.arange(1, len(ids) + 1, dtype=np.int32), offsets, table),
            },
            None,
            [text],
            {},
            np.ones(1, np.float32),
        )
        losses, words = DocumentLosses(model, task, split)(split)
        loss = float(losses[0] / words[0])
        outputs = {"loss": loss, "perplexity": float(np.exp(loss)), "words": int(words[0])}
        requests.append({"text": text, "outputs": outputs})
    return requests
