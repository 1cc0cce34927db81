"""Golden requests of a tagger: what it answers to texts, worked out in NumPy from its scores."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from scipy.special import logsumexp, softmax

from configs.tasks import Tag
from pipeline.publishing.golden import Example, one_token
from pipeline.text import schemes
from pipeline.text.model_inputs import ModelInputs

BLOCKED = -1e4  # the score of what a scheme forbids, as in `components.tag_heads`


class Chain(NamedTuple):
    """Scores of T words' tags, (T, C), and of their neighbourhood, (C, C), (C,), (C,)."""

    words: np.ndarray
    follow: np.ndarray
    first: np.ndarray
    last: np.ndarray


def tag_answers(
    examples: list[Example],
    inputs: ModelInputs,
    model: Any,
    labels: list[str],
    task: Tag,
    clear: float,
) -> list[dict[str, Any]]:
    """One golden request for each text, answered by the trained model alone.

    A text is left out if other tags are as good but for `clear`, in nats: the order in which a
    machine adds could decide between them.
    """
    requests = []
    for (text,) in examples:
        words, begins, ends = (x.numpy()[0] for x in inputs.tokenizer.words(tf.constant([text])))
        chain = scores(words, inputs, model, labels, task)
        tags, chances, margin = best(chain)
        if margin < clear:
            continue
        read = len(tags)
        outputs = {
            "words": [word.decode() for word in words[:read]],
            "begins": begins[:read].tolist(),
            "ends": ends[:read].tolist(),
            "tags": [labels[tag] for tag in tags],
            "scores": chances.tolist(),
            "unread": len(words) - read,
        }
        if task.scheme != "plain":
            found = schemes.spans(outputs["tags"])
            outputs |= {
                "span_labels": [span.kind for span in found],
                "span_begins": [outputs["begins"][span.start] for span in found],
                "span_ends": [outputs["ends"][span.end - 1] for span in found],
            }
        requests.append({"text": text, "outputs": outputs})
    return requests


def scores(
    words: np.ndarray, inputs: ModelInputs, model: Any, labels: list[str], task: Tag
) -> Chain:
    """What the model says of a text's words, and the scheme of their neighbours, in float64."""
    read, lengths = inputs.of_words(tf.ragged.constant([words.tolist()], tf.string, ragged_rank=1))
    outputs = model({name: one_token(x) for name, x in read.items()}, training=False)
    found = {name: np.asarray(x, np.float64)[0] for name, x in outputs.items()}
    c = len(labels)
    crf = [
        found.get(n, np.zeros(s)) for n, s in (("transitions", (c, c)), ("first", c), ("last", c))
    ]
    if task.scheme != "plain":
        may = schemes.allowed(labels, task.scheme)
        crf = [score + np.where(ok, 0.0, BLOCKED) for score, ok in zip(crf, may, strict=True)]
    return Chain(found["logits"][: int(lengths[0])], *crf)


def best(chain: Chain) -> tuple[np.ndarray, np.ndarray, float]:
    """The best tags (T,), the probability of each, and how much better they are than all others."""
    if not len(chain.words):
        return np.zeros(0, int), np.zeros(0), np.inf
    most, total = swept(chain, np.max), swept(chain, logsumexp)
    tags = most.argmax(axis=1)
    at = np.arange(len(tags)), tags
    others = most.copy()
    others[at] = -np.inf
    return tags, softmax(total, axis=1)[at], float(np.max(most) - np.max(others))


def swept(chain: Chain, reduce: Any) -> np.ndarray:
    """(T, C): the scores of all sequences with that tag at that word, reduced to one."""
    words, follow, first, last = chain
    forward, backward = [first + words[0]], [last]
    for here in words[1:]:
        forward.append(reduce(forward[-1][:, None] + follow, axis=0) + here)
    for after in words[:0:-1]:
        backward.append(reduce(follow + (after + backward[-1])[None], axis=1))
    return np.array(forward) + np.array(backward[::-1])
