"""The functions of an exported language model: how likely a text is, and what the model knows."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from configs.tasks import LanguageModel
from pipeline.build import elmo_layers
from pipeline.publishing.language_scorers import BothDirections, OneDirection, lengths
from pipeline.publishing.servable import Servable, not_empty
from pipeline.publishing.written_texts import writer
from pipeline.text.model_inputs import ModelInputs
from pipeline.text.special import PAD, SPECIAL

TEXT = [tf.TensorSpec([None], tf.string, "text")]


def language_servable(
    tokenizer: Any, model: Any, task: LanguageModel, backward: bool, top_k: int
) -> Servable:
    """What tells how likely texts are, and what an ELMo says of their words or what comes next.

    serving_default: text (B,) string -> loss (B,) float32, the mean of -log p of the tokens and the
    end of a text, of an ELMo in both directions; perplexity (B,), e to that; words (B,) int32, how
    many, the end counted. What is read of a text see `language_scorers`.
    vectors, of an ELMo: text (B,) string -> vectors (B, T, L + 1, 2 P) float32, 0 at padding,
    words (B,) int32.
    next, of a model that reads forward only: text (B,) string -> tokens (B, K) string and scores
    (B, K) float32, the K likeliest tokens after the text's last one and their probabilities, the
    text's end among them, but no unknown word. B may be 0.
    generate, of a model that keeps keys and values: see `written_texts`.
    """
    both = "second_targets" in model.input
    inputs = ModelInputs(tokenizer, ("ids", "characters") if both else ("ids",))
    bounds = tokenizer.start_id, tokenizer.end_id
    scorer = BothDirections(model) if both else OneDirection(model, task, backward, *bounds)

    def readable(outputs: dict[str, tf.Tensor], _: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        real = outputs["real"]
        words = tf.reduce_sum(real, axis=1)
        loss = tf.reduce_sum(outputs["losses"] * real, axis=1) / words
        return {"loss": loss, "perplexity": tf.exp(loss), "words": tf.cast(words, tf.int32)}

    served = Servable(inputs, scorer, readable)

    @tf.function(input_signature=TEXT)
    def from_texts(text):
        return served.outputs(inputs.of_texts(text))

    served.functions["serving_default"] = from_texts
    if isinstance(scorer, BothDirections):
        served.functions["vectors"] = vectors(served, elmo_layers(model))
    elif not backward:
        served.functions["next"] = likeliest(served, tokenizer, scorer, top_k)
    if hasattr(model.get_layer("encoder"), "empty_cache"):
        served.functions["generate"] = writer(served, tokenizer, model, task)
    return served


def vectors(served: Servable, layers: Any) -> Callable:
    @served.narrow.function(TEXT)
    def of_words(text):
        read = served.inputs.of_texts(text)
        found = layers(not_empty(read["characters"]), training=False)
        return {
            "vectors": tf.cast(found, tf.float32)[: tf.shape(text)[0]],
            "words": lengths(read["ids"]),
        }

    return of_words


def likeliest(served: Servable, tokenizer: Any, scorer: OneDirection, top_k: int) -> Callable:
    possible = shown(tokenizer)
    number = min(top_k, sum(possible))

    @served.narrow.function(TEXT)
    def following(text):
        read = last_tokens(tokenizer, text).to_tensor(0)
        chances = scorer.after(not_empty(read))[: tf.shape(text)[0]]
        scores, order = tf.math.top_k(chances * tf.constant(possible, tf.float32), number)
        return {"tokens": tf.gather(tf.constant(tokenizer.vocabulary), order), "scores": scores}

    return following


def last_tokens(tokenizer: Any, text: tf.Tensor) -> tf.RaggedTensor:
    """As many as the model reads: what comes next goes by the end of a longer text."""
    return tokenizer.all_ids(text)[:, -tokenizer.settings.max_length :]


def shown(tokenizer: Any) -> list[bool]:
    """(V,) whether a token may be shown as the next one: a word, or the end of a text."""
    hidden = {PAD, tokenizer.unknown_id, tokenizer.start_id, tokenizer.mask_id}
    return [
        token == tokenizer.end_id or (token not in hidden and spelling not in SPECIAL)
        for token, spelling in enumerate(tokenizer.vocabulary)
    ]
