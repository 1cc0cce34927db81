"""The function of an exported gpt that writes on from texts, whole in TensorFlow."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from configs.tasks import LanguageModel
from pipeline.cached_reading import CachedReader
from pipeline.publishing.bounds import within
from pipeline.publishing.servable import Servable
from pipeline.text.detokenizing import continued
from pipeline.text.special import PAD

INPUTS = {
    "text": tf.string,
    "tokens": tf.int32,
    "temperature": tf.float32,
    "top_k": tf.int32,
    "top_p": tf.float32,
    "seed": tf.int32,
}
MOST_TOKENS = 10_000  # that a request may ask for: each takes time, and a place in memory a row
# What asks for the likeliest token each time; a seed is without use then.
GREEDY = {"temperature": 0.0, "top_k": 0, "top_p": 1.0, "seed": 0}


def writer(served: Servable, tokenizer: Any, model: Any, task: LanguageModel) -> Callable:
    """The signature `generate`: as `textmill generate`, for many texts at a time.

    text (B,) string, beginnings; tokens (B,) int32, how many to write at most, up to MOST_TOKENS;
    temperature (B,) float32, 0 for the likeliest token each time; top_k (B,) int32, 0 for all;
    top_p (B,) float32, 1 for all; seed (B,) int32 -> text (B,) string, the beginning with what was
    written; tokens (B, N) string, what was written, filled up with ""; written (B,) int32, how many
    that is, up to the text's end where documents end. A row's answer depends on that row alone. B
    may be 0.
    """
    reader = CachedReader(model, tokenizer.unwritten | {tokenizer.unknown_id})
    document = task.carry == "document"
    before = tokenizer.start_id if document else tokenizer.end_id
    stop = tokenizer.end_id if document else None

    def generate(text, tokens, temperature, top_k, top_p, seed):
        rows = tf.shape(text)[0]
        tokens = within(tokens, 0, MOST_TOKENS, "tokens")
        temperature = within(temperature, 0, tf.float32.max, "temperature")
        top_k, top_p = within(top_k, 0, tf.int32.max, "top_k"), within(top_p, 0, 1, "top_p")
        text, tokens, seed = not_none(text), not_none(tokens), not_none(seed)
        how = not_none(temperature), not_none(top_k), not_none(top_p)
        begun = tokenizer.all_ids(text)
        framed = tf.concat([tf.fill([tf.shape(text)[0], 1], before), begun], axis=1)
        lengths = tf.cast(framed.row_lengths(), tf.int32)
        ids = framed.to_tensor(0)
        _, state = reader.read(ids, reader.start(tf.shape(text)[0]), lengths - 1)
        last = tf.gather(ids, lengths - 1, batch_dims=1)

        def choose(scores: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
            return chosen(scores, *how, uniform(seed, step))

        written = write(reader, choose, last, state, tokens, stop)
        new = tf.RaggedTensor.from_tensor(written, padding=PAD)
        whole = continued(tokenizer, text, begun, new)
        spelled = tf.gather(tf.constant(tokenizer.vocabulary), new)
        return {
            "text": whole[:rows],
            "tokens": spelled.to_tensor("")[:rows],
            "written": tf.cast(new.row_lengths(), tf.int32)[:rows],
        }

    signature = [tf.TensorSpec([None], dtype, name) for name, dtype in INPUTS.items()]
    return served.narrow.function(signature)(generate)


def write(
    reader: CachedReader, choose: Callable, last: tf.Tensor, state: Any, tokens: tf.Tensor, stop
) -> tf.Tensor:
    """(B, N) ids, 0 where a row has ended.

    Args: choose, (B, V) log probabilities and the number of the step to (B,) ids; last (B,), the
        ids that are read next; tokens (B,), how many each row gets at most; stop, what ends a row
        and is not among its ids, or None.
    """
    most = tf.maximum(tf.reduce_max(tokens), 0)

    def going_on(step, last, done, state, written):
        return (step < most) & ~tf.reduce_all(done)

    def one_more(step, last, done, state, written):
        scores, state = reader.read(last[:, None], state)
        token = choose(scores, step)
        if stop is not None:
            done = done | (token == stop)
        token = tf.where(done, PAD, token)
        written = tf.where(tf.range(most) == step, token[:, None], written)
        return step + 1, token, done | (step + 1 >= tokens), state, written

    nothing = tf.zeros([tf.shape(last)[0], most], tf.int32)
    first = tf.constant(0), last, tokens <= 0, state, nothing
    *_, written = tf.while_loop(going_on, one_more, first)
    return written


def chosen(
    scores: tf.Tensor, temperature: tf.Tensor, top_k: tf.Tensor, top_p: tf.Tensor, u: tf.Tensor
) -> tf.Tensor:
    """(B, V) log probabilities -> (B,) ids, drawn as `pipeline.generation.Sampling` says.

    Args: temperature, top_k, top_p, see `writer`; u (B,), numbers of [0, 1), of which each draws a
        row's id by the sum of the chances of those that are likelier.
    """
    found, order = tf.math.top_k(scores, scores.shape[-1])
    warmth = tf.where(temperature > 0, temperature, 1.0)[:, None]
    chances = tf.nn.softmax(found / warmth)
    rank = tf.range(tf.shape(found)[1])
    kept = (rank < tf.where(top_k > 0, top_k, tf.shape(found)[1])[:, None]) & (
        tf.cumsum(chances, axis=1, exclusive=True) < top_p[:, None]
    )
    sums = tf.cumsum(tf.where(kept | (rank == 0), chances, 0.0), axis=1)
    drawn = tf.reduce_sum(tf.cast(sums <= u[:, None] * sums[:, -1:], tf.int32), axis=1)
    place = tf.where(temperature > 0, tf.minimum(drawn, tf.shape(found)[1] - 1), 0)
    return tf.gather(order, place, batch_dims=1)


def uniform(seed: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """(B,) seeds -> (B,) numbers of [0, 1), each by its seed and the step alone."""
    return tf.map_fn(
        lambda one: tf.random.stateless_uniform([], tf.stack([one, step])),
        seed,
        fn_output_signature=tf.float32,
    )


def not_none(x: tf.Tensor) -> tf.Tensor:
    """(B,) with a row of zeros, or an empty text, where there is none."""
    missing = tf.cast(tf.shape(x)[0] == 0, tf.int32)
    return tf.concat([x, tf.zeros([missing], x.dtype)], axis=0)
