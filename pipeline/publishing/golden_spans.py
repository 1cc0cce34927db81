"""Golden requests of span models: what evaluation says of each question by itself."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from configs.tasks import Span
from pipeline import span_answers
from pipeline.data import Sequences, Split
from pipeline.publishing.golden import Example
from pipeline.publishing.padding import FILLED
from pipeline.questions import windowed
from pipeline.span_predictions import chances
from pipeline.text.windows import windowing

TOGETHER = 64  # windows in one call of the model


def span_answers_to(
    examples: Sequence[Example], tokenizer: Any, model: Any, task: Span, top_k: int, clear: float
) -> list[dict[str, Any]]:
    """One golden request for each question and context, with windows that are not padded.

    One is left out if the order of its best answers, or whether there is one, hangs on less than
    `clear` in the logits: the order in which a machine adds could decide it.
    """
    requests = []
    for question, context in examples:
        split = asked(question, context, tokenizer, task)
        start, end = logits(split, model)
        windows = split.asked.windows
        found = span_answers.decode(start, end, windows, task.longest_answer, task.n_best + 1)
        if decided(found, task, clear):
            firsts, lasts, scores = (each[:, : task.n_best] for each in found[:3])
            best = span_answers.Answers(firsts, lasts, scores, found.no_answer)
            outputs = _outputs(split, best, task, min(top_k, task.n_best))
            requests.append({"text": question, "second": context, "outputs": outputs})
    return requests


def asked(question: str, context: str, tokenizer: Any, task: Span) -> Split:
    """The windows of one question."""
    second_ids, begins, ends = tokenizer.places(tf.constant([context]))
    named = {"ids": tokenizer.all_ids(tf.constant([question])), "second_ids": second_ids}
    named |= {"begins": begins, "ends": ends}
    found: dict[str, Any] = {
        name: Sequences(some.values.numpy(), some.row_splits.numpy())
        for name, some in named.items()
    }
    none = Sequences(np.zeros(0, np.int32), np.zeros(2, np.int64))
    found |= {"label": none, "answers": None, "id": [""]}
    found |= {"text": [question], "second_text": [context]}
    return windowed(found, {}, windowing(tokenizer, task))


def logits(split: Split, model: Any) -> tuple[Sequences, Sequences]:
    """Of each window, those of one length together, so that none has padding."""
    lengths = split.ids.lengths
    found = [np.empty(len(split.ids.values), np.float32) for _ in range(2)]
    for length in np.unique(lengths):
        alike = np.flatnonzero(lengths == length)
        for start in range(0, len(alike), TOGETHER):
            rows = alike[start : start + TOGETHER]
            places = split.ids.offsets[rows][:, None] + np.arange(length)
            given = {name: some.values[places] for name, some in split.inputs.items()}
            outputs = model(given, training=False)
            for values, name in zip(found, ("start_logits", "end_logits"), strict=True):
                values[places] = np.asarray(outputs[name])
    start_logits, end_logits = (Sequences(values, split.ids.offsets) for values in found)
    return start_logits, end_logits


def decided(found: span_answers.Answers, task: Span, clear: float) -> bool:
    """Whether there is more than `clear` between the answers, and around the threshold."""
    scores = found.scores[0][np.isfinite(found.scores[0])]
    close = task.impossible and abs(found.margins[0] - task.threshold) < clear
    return not close and bool((np.abs(np.diff(scores)) >= clear).all())


def _outputs(split: Split, found: span_answers.Answers, task: Span, number: int) -> dict[str, Any]:
    begins, ends = split.asked.begins[0], split.asked.ends[0]
    context = split.second_texts[0]
    there = found.firsts[0] >= 0
    first = [int(begins[token]) for token in found.firsts[0][there]]
    last = [int(ends[token]) for token in found.lasts[0][there]]
    fill = number - len(first)
    scores, nothing = (part[0] for part in chances(found, task))
    silent = not first or (task.impossible and found.margins[0] > task.threshold)
    outputs = {
        "answer": "" if silent else context[first[0] : last[0]],
        "score": float(nothing if silent else scores[0]),
        "begin": FILLED if silent else first[0],
        "end": FILLED if silent else last[0],
        "answers": [context[a:b] for a, b in zip(first, last, strict=True)][:number] + [""] * fill,
        "scores": scores[:number].tolist(),
        "answer_begins": first[:number] + [FILLED] * fill,
        "answer_ends": last[:number] + [FILLED] * fill,
    }
    return {**outputs, "no_answer": float(nothing)} if task.impossible else outputs
