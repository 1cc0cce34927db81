"""Which n-grams of a text decided what a text CNN made of it.

The head is linear, so a logit is a sum over the windows of the text: what the pooling lets through
of each filter's response there, times the head's weight. Nothing is estimated.
"""

from collections import defaultdict
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from pipeline import batching, data


@dataclass(frozen=True)
class Windows:
    """What the filters of one width (F of them, k pooled features each) saw in B texts.

    Window n holds the tokens starts[n]:starts[n] + width, cut to the text. `passed` (B, N, F, k) is
    what the pooling let through of each response; `weights` (F, k, C) are the head's.
    """

    width: int
    starts: np.ndarray
    passed: np.ndarray
    weights: np.ndarray

    def parts(self, weights: np.ndarray) -> np.ndarray:
        """Each window's part in the logits that these (F, k, C) weights make: (B, N, C)."""
        batch, number = self.passed.shape[:2]
        flat = self.passed.reshape(batch * number, -1) @ weights.reshape(-1, weights.shape[-1])
        return flat.reshape(batch, number, -1)

    def span(self, n: int, length: int) -> slice:
        """The tokens of window n in a text of `length` tokens."""
        return slice(max(self.starts[n], 0), min(self.starts[n] + self.width, length))


def windows(model: keras.Model, ids: np.ndarray) -> list[Windows]:
    """(B, T) padded ids -> the windows of each width.

    The sum of all `parts(weights)` of a text and the head's bias is the text's logits.
    """
    features, head = model.get_layer("features"), model.get_layer("head")
    kernel = np.asarray(head.project.kernel)
    kernel = kernel.reshape(len(features.widths), features.filters, -1, kernel.shape[-1])
    mask = ops.convert_to_tensor(ids != 0)
    x = model.get_layer("embeddings")(ids)
    x = x * ops.cast(mask[..., None], x.dtype)
    found = []
    for width, filters, bias, weights in zip(
        features.widths, features.kernels, features.biases, kernel, strict=True
    ):
        responses = features.respond(x, None, filters)
        responses = responses + ops.cast(bias, responses.dtype)
        passed = let_through(
            np.asarray(ops.cast(responses, "float32")),
            np.asarray(features.windows(mask, width)),
            features.pooling,
            weights.shape[1],
        )
        left = (width - 1) // 2 if features.padding == "same" else 0
        starts = np.arange(passed.shape[1]) * features.stride - left
        found.append(Windows(width, starts, passed, weights))
    return found


def let_through(responses: np.ndarray, counts: np.ndarray, pooling: str, k: int) -> np.ndarray:
    """(B, N, F) responses, (B, N, 1) which count -> (B, N, F, k), whose sum over N is the pool."""
    kept = np.maximum(responses, 0) * counts  # the filters' relu
    if pooling == "average":
        return (kept / np.maximum(counts.sum(1, keepdims=True), 1))[..., None]
    ranked = np.where(counts, -responses, np.inf)
    places = np.sort(np.argsort(ranked, axis=1, kind="stable")[:, :k], axis=1)  # (B, k, F)
    passed = np.zeros((*responses.shape, k), responses.dtype)
    for rank in range(places.shape[1]):
        place = places[:, rank : rank + 1]
        np.put_along_axis(passed[..., rank], place, np.take_along_axis(kept, place, axis=1), axis=1)
    return passed


def deciding(
    model: keras.Model, split: data.Split, rows: np.ndarray, weigh: np.ndarray, top: int = 4
) -> list[list[tuple[slice, float]]]:
    """The n-grams that spoke most for something in each text: slices of its tokens, their parts.

    Args: weigh, (B, C), what was spoken for: 1 for a class, -1 for the class that it won against.
    """
    ids = batching.batch(split, rows, 1)["ids"]
    answers: list[dict[tuple[int, int], float]] = [defaultdict(float) for _ in rows]
    for seen in windows(model, ids):
        parts = np.einsum("bnc,bc->bn", seen.parts(seen.weights), weigh)
        for answer, part, length in zip(answers, parts, split.lengths[rows], strict=True):
            for n in np.flatnonzero(part):
                # At the ends of a text, windows of several widths hold the same tokens.
                span = seen.span(int(n), length)
                answer[span.start, span.stop] += float(part[n])
    return [
        [(slice(*span), part) for span, part in sorted(answer.items(), key=_by_part) if part > 0][
            :top
        ]
        for answer in answers
    ]


def _by_part(item: tuple[tuple[int, int], float]) -> float:
    return -item[1]
