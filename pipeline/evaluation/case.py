"""What an evaluation begins with."""

from dataclasses import dataclass

import numpy as np

from configs.models import TextCNN
from configs.recipe import Recipe
from pipeline.data import Split
from pipeline.evaluation import intervals
from pipeline.evaluation.intervals import Score
from pipeline.evaluation.judge import Answers
from pipeline.runs import Trained


@dataclass(frozen=True)
class Case:
    """A trained model and what it answered to a split; `train` is what it learned from, if that is
    there.
    """

    recipe: Recipe
    trained: Trained
    train: Split | None
    split: Split
    logits: np.ndarray  # (N, C), see `judge.with_unseen`
    answers: Answers
    thresholds: np.ndarray | None = None  # (C,) of a text's labels, if it may have several,
    valid: Split | None = None  # and what they were chosen on

    @property
    def has_ngrams(self) -> bool:
        """Whether the answers are sums over the n-grams of one text's words."""
        return isinstance(self.recipe.model, TextCNN) and list(self.trained.model.input) == ["ids"]

    @property
    def names(self) -> list[str]:
        """Of the labels, those at the end that training lacks."""
        return [*self.trained.labels, *self.split.unseen]

    def estimate(self, functions: dict[str, Score]) -> dict[str, intervals.Estimate]:
        resamples, seed = self.recipe.evaluate.resamples, self.recipe.seed
        return intervals.estimate(functions, len(self.split), resamples, seed)
