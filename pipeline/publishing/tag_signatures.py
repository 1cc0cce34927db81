"""The functions of a tagger's SavedModel: raw texts, or words, in; a tag for each word out."""

from typing import Any

import tensorflow as tf

from configs.tasks import Tag
from pipeline.publishing.padding import FILLED
from pipeline.publishing.servable import Servable
from pipeline.tasks import decoder
from pipeline.text.cleaning import valid_utf8
from pipeline.text.model_inputs import ModelInputs
from pipeline.text.span_ops import SpanOps


def tag_servable(tokenizer: Any, model: Any, labels: list[str], task: Tag) -> Servable:
    """What answers for words.

    serving_default: text (B,) string. words: words (B, T) string, padded with "", which are not cut
    further; their places count as if single spaces stood between them.

    Both answer, of as many words as the model reads, words, tags (B, T) string, begins, ends (B, T)
    int32, in code points, and scores (B, T) float32, the probability of each tag; unread (B,)
    int32, how many words come after those, beyond what the model reads; and unless the scheme is
    plain, of the spans, span_labels (B, S) string, span_begins and span_ends (B, S) int32. Padding
    is "", -1 and 0; T and S are those of the longest row, and may be 0.
    """
    inputs, decode = ModelInputs(tokenizer, model.input), decoder(task, labels)
    spans = None if task.scheme == "plain" else SpanOps(labels)

    def decoded(outputs: dict[str, tf.Tensor], given: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        tags, scores = decode(outputs, given.get("starts", given["ids"]) != 0)
        return {"tags": tags, "scores": scores}

    served = Servable(inputs, model, decoded)

    def answers(words: tf.RaggedTensor, places: list[tf.RaggedTensor]) -> dict[str, tf.Tensor]:
        read, lengths = inputs.of_words(words)
        mask = tf.sequence_mask(lengths)  # (B, T)
        width = tf.shape(mask)[1]

        def row(values: tf.RaggedTensor, filled: Any) -> tf.Tensor:
            return tf.where(mask, values.to_tensor(filled)[:, :width], filled)

        found = {name: x[:, :width] for name, x in served.outputs(read).items()}
        tags, (begins, ends) = found["tags"], (row(x, FILLED) for x in places)
        answered = {
            "words": row(words, ""),
            "begins": begins,
            "ends": ends,
            "tags": tf.where(mask, tf.gather(tf.constant(labels), tags), ""),
            "scores": found["scores"],
            "unread": tf.cast(words.row_lengths() - lengths, tf.int32),
        }
        if spans is None:
            return answered
        first, last = spans.edges(tags, mask)
        return {
            **answered,
            "span_labels": tf.ragged.boolean_mask(spans.labels(tags), first).to_tensor(""),
            "span_begins": tf.ragged.boolean_mask(begins, first).to_tensor(FILLED),
            "span_ends": tf.ragged.boolean_mask(ends, last).to_tensor(FILLED),
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def from_texts(text):
        words, *places = tokenizer.words(text)
        return answers(words, places)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.string, "words")])
    def from_words(words):
        given = tf.RaggedTensor.from_tensor(words, padding="")
        given = tf.ragged.map_flat_values(valid_utf8, given)
        lengths = tf.strings.length(given.to_tensor(""), unit="UTF8_CHAR")
        begins = tf.cumsum(lengths + 1, axis=1, exclusive=True)
        sizes = given.row_lengths()
        places = [tf.RaggedTensor.from_tensor(x, sizes) for x in (begins, begins + lengths)]
        return answers(given, places)

    served.functions.update({"serving_default": from_texts, "words": from_words})
    return served
