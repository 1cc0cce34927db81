"""A cache of recent words beside a language model: what was said is likely to be said again."""

from typing import Any

import numpy as np
import tensorflow as tf

from configs.after_training import NeuralCache
from pipeline.text.special import PAD


class Cache:
    """What words cost a language model that is mixed with a cache, window after window.

    The cache of a word holds the `size` words before it in its row, as far as its document goes,
    each with the hidden vector that it was predicted from. With h_t the vector that predicts w_t,

        p_cache(w_t) = sum over i < t of [w_i = w_t] exp(theta h_t . h_i), normalized over words,
        p(w_t) = (1 - weight) p_model(w_t) + weight p_cache(w_t).

    With nothing in its cache, a word has the model's probability.

    Call: a window as `pipeline.streams` shows it, and the model's outputs "losses" (B, T) and
        "hidden" (B, T, D) -> (B, T) losses; windows come in their order.
    Source: Grave et al. 2017, https://arxiv.org/abs/1612.04426, equations 2 to 4.
    """

    def __init__(self, settings: NeuralCache) -> None:
        self.settings = settings
        # Of each row: vectors, words and the numbers of their documents, `size` of each at most.
        self.kept: list[tuple[np.ndarray, ...]] | None = None

    def __call__(self, shown: dict[str, Any], outputs: dict[str, tf.Tensor]) -> np.ndarray:
        losses = outputs["losses"].numpy().astype(np.float64)
        hidden = tf.cast(outputs["hidden"], tf.float32).numpy()
        if self.kept is None:
            nothing = np.zeros(0, np.int64)
            self.kept = [(vectors[:0], nothing, nothing) for vectors in hidden]
        for row, kept in enumerate(self.kept):
            number = int((shown["targets"][row] != PAD).sum())
            words = shown["targets"][row, :number]
            started = np.cumsum(shown["fresh"][row, :number]) + kept[2].max(initial=0)
            new = hidden[row, :number], words, started
            before = [np.concatenate(both) for both in zip(kept, new, strict=True)]
            losses[row, :number] = self.mixed(losses[row, :number], *before)
            self.kept[row] = tuple(x[-self.settings.size :] for x in before)
        return losses

    def mixed(
        self, losses: np.ndarray, vectors: np.ndarray, words: np.ndarray, documents: np.ndarray
    ) -> np.ndarray:
        """Losses of the last T of N words: (T,), (N, D), (N,), (N,) -> (T,)."""
        asked = np.arange(len(words) - len(losses), len(words))[:, None]
        places = np.arange(len(words))
        seen = (places < asked) & (places >= asked - self.settings.size)
        seen &= documents == documents[asked]
        scores = self.settings.theta * (vectors[asked[:, 0]] @ vectors.T).astype(np.float64)
        scores = np.where(seen, scores, -np.inf)  # (T, N)
        largest = scores.max(axis=1, initial=-np.inf, keepdims=True)
        shares = np.exp(scores - np.where(np.isfinite(largest), largest, 0.0))
        total = shares.sum(axis=1)
        right = (shares * (words == words[asked])).sum(axis=1)
        cached = right / np.where(total > 0, total, 1.0)
        weight = np.where(total > 0, self.settings.weight, 0.0)
        return -np.log((1 - weight) * np.exp(-losses) + weight * cached)
