"""Golden requests: examples that travel with an export, and what the trained model answered.

An example is what one row of a request holds: a text, or a pair's two.
"""

import hashlib
import heapq
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.text.model_inputs import ModelInputs

Example = tuple[str, ...]

HARD_TEXTS = (
    "",
    " \t\n ",
    "?",
    "x",
    "word " * 5000,
    "Supercalifragilisticexpialidocious" * 50,
    "Café naïve ÅNGSTRÖM Straße İstanbul",
    "Cafe\u0301 in decomposed form, ﬁ ½ … in compatibility forms",
    "I lost my card 😱👍🏽 👨‍👩‍👧‍👦 🇬🇧",
    "日本語のテキスト العربية हिन्दी ไทย",
    "line\u2028separators\x85of\x0bother\x1ckinds",
    "[PAD] [UNK] [CLS] [SEP] [MASK] <s> </s> <unk>",
    "<b>Bold</b>&nbsp;&amp;&lt;br/&gt; <script>alert('x')</script>",
    "a\ufffdb \x01\x02 zero\u200bwidth \u202eright to left\u202c \x00 end",
    '{"text": "a \\"quoted\\" \\u00e9 string"}\r\n1,234.56 €; user@example.com https://example.com/?q=1',
)


def choose(examples: Iterable[Example], number: int, width: int) -> list[Example]:
    """`number` different ones, the same in whatever order they come, then the hard ones.

    Args: width, how many texts an example has.
    """

    def draw(example: Example) -> bytes:
        return hashlib.blake2b("\0".join(example).encode()).digest()

    chosen = heapq.nsmallest(number, set(examples), key=draw)
    # A hard text beside the next one.
    hard = zip(*(HARD_TEXTS[i:] + HARD_TEXTS[:i] for i in range(width)), strict=True)
    return chosen + [example for example in hard if example not in chosen]


def answers(
    examples: list[Example],
    inputs: ModelInputs,
    model: Any,
    labels: list[str],
    task: str,
    top_k: int,
    thresholds: Mapping[str, float] | None = None,
) -> list[dict[str, Any]]:
    """One golden request for each example, answered by the trained model alone.

    Each by itself, step by step and in NumPy's double precision after the logits: another way than
    the SavedModel's, so that a replay compares two things. Args: thresholds, of multilabel's
    labels, which come along: close to them, the least rounding decides.
    """
    along = {"thresholds": dict(thresholds)} if thresholds else {}
    return [
        {
            **dict(zip(inputs.texts, example, strict=True)),
            "outputs": _outputs(_logits(example, inputs, model), labels, task, top_k, thresholds),
            **along,
        }
        for example in examples
    ]


def _logits(example: Example, inputs: ModelInputs, model: Any) -> np.ndarray:
    read = inputs.of_texts(*(tf.constant([text]) for text in example))
    outputs = model({name: one_token(x) for name, x in read.items()}, training=False)
    return np.asarray(outputs["logits"], np.float64)[0]


def one_token(x: tf.Tensor) -> np.ndarray:
    """Padding as the only token of a text that has none."""
    return x.numpy() if x.shape[1] else np.zeros((1, 1, *x.shape[2:]), np.int32)


def _outputs(
    logits: np.ndarray,
    labels: list[str],
    task: str,
    top_k: int,
    thresholds: Mapping[str, float] | None,
) -> dict[str, Any]:
    if task == "regress":
        return {"value": float(logits[0])}
    if task == "classify":
        odds = np.exp(logits - logits.max())
        probabilities = odds / odds.sum()
        best = np.argsort(-probabilities, kind="stable")[:top_k]
    else:
        assert thresholds is not None
        probabilities = 1.0 / (1.0 + np.exp(-logits))
        order = np.argsort(-probabilities, kind="stable").tolist()
        best = np.array([i for i in order if probabilities[i] > thresholds[labels[i]]], int)
    names, scores = [labels[i] for i in best], probabilities[best].tolist()
    return {
        "label": names[0] if names else "",
        "score": scores[0] if names else 0.0,
        "labels": names,
        "scores": scores,
        "probabilities": probabilities.tolist(),
    }
