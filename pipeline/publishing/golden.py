"""Golden requests: texts that travel with an export, and what the trained model answered."""

import hashlib
import heapq
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf

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


def choose(texts: Iterable[str], number: int) -> list[str]:
    """`number` different texts, the same ones in whatever order they come, then the hard ones."""

    def draw(text: str) -> bytes:
        return hashlib.blake2b(text.encode()).digest()

    chosen = heapq.nsmallest(number, set(texts), key=draw)
    return chosen + [text for text in HARD_TEXTS if text not in chosen]


def answers(
    texts: list[str], tokenizer: Any, model: Any, labels: list[str], task: str, top_k: int
) -> list[dict[str, Any]]:
    """One golden request for each text, answered by the trained model alone.

    Each text by itself, step by step and in NumPy's double precision after the logits: another way
    than the SavedModel's, so that a replay compares two things.
    """
    return [
        {"text": text, "outputs": _outputs(_logits(text, tokenizer, model), labels, task, top_k)}
        for text in texts
    ]


def _logits(text: str, tokenizer: Any, model: Any) -> np.ndarray:
    ids = tokenizer.ids(tf.constant([text])).numpy()[0]
    padded = np.zeros((1, max(1, len(ids))), np.int32)
    padded[0, : len(ids)] = ids
    return np.asarray(model({"ids": padded}, training=False)["logits"], np.float64)[0]


def _outputs(logits: np.ndarray, labels: list[str], task: str, top_k: int) -> dict[str, Any]:
    if task == "regress":
        return {"value": float(logits[0])}
    if task == "classify":
        odds = np.exp(logits - logits.max())
        probabilities = odds / odds.sum()
    else:
        probabilities = 1.0 / (1.0 + np.exp(-logits))
    best = np.argsort(-probabilities, kind="stable")[:top_k]
    names, scores = [labels[i] for i in best], probabilities[best].tolist()
    return {
        "label": names[0],
        "score": scores[0],
        "labels": names,
        "scores": scores,
        "probabilities": probabilities.tolist(),
    }
