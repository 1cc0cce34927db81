"""The functions of an exported masked language model: what is hidden, and what it says of texts."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pipeline.publishing.servable import Servable, not_empty
from pipeline.text.masked_texts import masked_ids
from pipeline.text.model_inputs import ModelInputs
from pipeline.text.special import ENDS, MASKS, PAD, STARTS
from pipeline.text.wrapping import wrapped, wrapping

TEXT = [tf.TensorSpec([None], tf.string, "text")]


class Filler:
    """A pretrained BERT, to be asked for hidden tokens.

    Call: `ids` and `types` (B, T) -> {"tokens": (B, M, K) string, "scores": (B, M, K) float32,
    "masks": (B,) int32}: of each [MASK] from left to right the K likeliest tokens and their
    probabilities, "" and 0 where a row has fewer of them than M, the most that one has.
    """

    def __init__(self, model: keras.Model, tokenizer: Any, top_k: int) -> None:
        self.weights, self.head = model.weights, model.get_layer("mlm")
        self.table = model.get_layer("embeddings").table
        self.mask_id, self.vocabulary = tokenizer.mask_id, tokenizer.vocabulary
        self.possible = possible(tokenizer)
        self.number = min(top_k, int(self.possible.sum()))
        self.encode = encoder(model)
        self.input = self.encode.input

    def __call__(self, inputs: dict[str, tf.Tensor], training: bool) -> dict[str, tf.Tensor]:
        hidden = inputs["ids"] == self.mask_id
        columns = tf.broadcast_to(tf.range(tf.shape(hidden)[1]), tf.shape(hidden))
        places = tf.ragged.boolean_mask(columns, hidden)
        masks = tf.cast(places.row_lengths(), tf.int32)
        vectors = self.encode(inputs, training=training)["vectors"]
        table = tf.convert_to_tensor(self.table)
        asked = not_empty(places.to_tensor(0))
        chances = tf.nn.softmax(self.head.scores(vectors, asked, table))
        scores, order = tf.math.top_k(chances * tf.constant(self.possible, tf.float32), self.number)
        most = tf.reduce_max(masks)
        real = tf.sequence_mask(masks, tf.shape(asked)[1])[..., None]
        tokens = tf.where(real, tf.gather(tf.constant(self.vocabulary), order), "")
        scores = tf.where(real, scores, 0.0)
        return {"tokens": tokens[:, :most], "scores": scores[:, :most], "masks": masks}


def masked_servable(tokenizer: Any, model: keras.Model, top_k: int) -> Servable:
    """What fills texts in, and what a BERT says of texts.

    serving_default and fill: text (B,) string, with [MASK] in it -> tokens (B, M, K) string, scores
    (B, M, K) float32 and masks (B,) int32, see `Filler`.
    vectors: text (B,) string -> vectors (B, T, D) float32, of [CLS], the text's tokens and [SEP],
    0 at padding; tokens (B,) int32, how many; and, if it learned pairs, pooled (B, D) float32, of
    the whole text. B may be 0.
    """
    inputs, filler = ModelInputs(tokenizer, ("ids", "types")), Filler(model, tokenizer, top_k)
    how = wrapping(tokenizer)
    served = Servable(inputs, filler, lambda outputs, _: outputs)

    @tf.function(input_signature=TEXT)
    def fill(text):
        ids, types = wrapped(how, masked_ids(tokenizer, text))
        return served.outputs({"ids": ids.to_tensor(0), "types": types.to_tensor(0)})

    @served.narrow.function(TEXT)
    def vectors(text):
        read = inputs.of_texts(text)
        given, rows = {name: not_empty(x) for name, x in read.items()}, tf.shape(text)[0]
        found = filler.encode(given, training=False)
        found = {name: tf.cast(x, tf.float32)[:rows] for name, x in found.items()}
        real = tf.cast(given["ids"][:rows] != PAD, tf.float32)
        found["vectors"] *= real[..., None]
        return {**found, "tokens": tf.cast(tf.reduce_sum(real, axis=1), tf.int32)}

    for name, function in {"serving_default": fill, "fill": fill, "vectors": vectors}.items():
        served.functions[name] = function
    return served


def encoder(model: keras.Model) -> keras.Model:
    """A pretrained BERT without its heads: `ids`, `types` -> `vectors` and, of pairs, `pooled`."""
    inputs = {name: model.input[name] for name in ("ids", "types")}
    names = [name for name in ("vectors", "pooled") if name in model.output]
    return keras.Model(inputs, {name: model.output[name] for name in names}, name="encoded")


def possible(tokenizer: Any) -> np.ndarray:
    """(V,) whether a token may fill a text in: none that stands for no word."""
    special = {*STARTS, *ENDS, *MASKS, tokenizer.vocabulary[PAD]}
    found = np.array([token not in special for token in tokenizer.vocabulary])
    found[tokenizer.unknown_id] = False
    return found
