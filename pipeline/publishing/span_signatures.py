"""The function of a span model's SavedModel: questions and contexts in, answers out."""

from typing import Any

import tensorflow as tf

from configs.tasks import Span
from pipeline.publishing.padding import FILLED
from pipeline.publishing.servable import Servable
from pipeline.text.answer_ops import cut, decode
from pipeline.text.model_inputs import ModelInputs
from pipeline.text.windows import windowing, windows


def span_servable(tokenizer: Any, model: Any, task: Span, top_k: int) -> Servable:
    """What answers questions about contexts, of any length.

    serving_default: text (B,) string, the questions, and second (B,) string, their contexts. It
    answers answer (B,) string, "" for none, and its score (B,); begin, end (B,) int32, where it
    stands in the context, in code points; answers (B, K) string, scores (B, K), answer_begins and
    answer_ends (B, K) int32, the K best ones in order; and, if questions may have none, no_answer
    (B,), the score of that. Scores are float32 probabilities among the task's n best answers and no
    answer. Where there are fewer than K answers, "", 0 and -1 fill up; B may be 0.
    """
    how, kept = windowing(tokenizer, task), min(top_k, task.n_best)
    served = Servable(ModelInputs(tokenizer, model.input, pair=True), model, _logits)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, n) for n in ("text", "second")])
    def from_texts(text, second):
        contexts, token_begins, token_ends = tokenizer.places(second)
        made = windows(tokenizer.all_ids(text), contexts, how)
        logits = served.outputs({"ids": made.ids.to_tensor(0), "types": made.types.to_tensor(0)})
        start, end = logits["start_logits"], logits["end_logits"]
        number = tf.size(text, tf.int64)
        found = decode(start, end, made, number, task.longest_answer, task.n_best)
        texts, begins, ends = cut(second, token_begins, token_ends, found)
        scores, nothing = _chances(found.scores, found.no_answer, task)
        silent = found.firsts[:, 0] < 0
        if task.impossible:
            silent |= found.no_answer - found.scores[:, 0] > task.threshold
        answered = {
            "answer": tf.where(silent, "", texts[:, 0]),
            "score": tf.where(silent, nothing, scores[:, 0]),
            "begin": tf.where(silent, FILLED, begins[:, 0]),
            "end": tf.where(silent, FILLED, ends[:, 0]),
            "answers": texts[:, :kept],
            "scores": scores[:, :kept],
            "answer_begins": begins[:, :kept],
            "answer_ends": ends[:, :kept],
        }
        return {**answered, "no_answer": nothing} if task.impossible else answered

    served.functions["serving_default"] = from_texts
    return served


def _logits(outputs: dict[str, tf.Tensor], _: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    return {name: outputs[name] for name in ("start_logits", "end_logits")}


def _chances(scores: tf.Tensor, no_answer: tf.Tensor, task: Span) -> tuple[tf.Tensor, tf.Tensor]:
    """(B, K) probabilities of the answers, and (B,) of there being none."""
    closed = float("-inf") if not task.impossible else no_answer
    # Where nothing can be an answer, that there is none is certain.
    nothing = tf.where(scores[:, 0] > float("-inf"), closed, 0.0)
    chances = tf.nn.softmax(tf.concat([scores, nothing[:, None]], axis=1))
    return chances[:, :-1], chances[:, -1]
