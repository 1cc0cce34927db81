"""What there is to say of a language model's losses on the documents of a split."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from configs.models import AwdLstm, Elmo
from configs.recipe import Recipe
from configs.tasks import LanguageModel
from configs.transformers import Gpt
from pipeline import data
from pipeline.data import Split
from pipeline.evaluation import intervals, paired, scores
from pipeline.evaluation.baselines import UNIGRAM
from pipeline.evaluation.intervals import Score
from pipeline.evaluation.judge import example_ids
from pipeline.evaluation.measured import Measured
from pipeline.neural_cache import Cache
from pipeline.perplexity import DocumentLosses, document_losses
from pipeline.runs import Trained
from pipeline.text.special import PAD, UNKNOWN

SHOWN = 10  # documents at either end
LONGEST = 300  # characters of a document that are shown


@dataclass(frozen=True)
class Read:
    """A language model's answer: `losses` (N,) of each document, summed over its `words` (N,).

    A word is what the tokenizer makes, or the end of a document.
    """

    train: Split | None  # what the model learned from, if that is there
    split: Split
    losses: np.ndarray
    words: np.ndarray
    vocabulary_size: int
    resamples: int
    seed: int
    unknown_id: int = UNKNOWN
    cached: np.ndarray | None = None  # (N,) losses beside a cache of recent words


def measure(
    recipe: Recipe, task: LanguageModel, trained: Trained, prepared: Path, name: str
) -> Measured:
    """Let the language model read the split, and say how well it foresaw the words."""
    split = data.load(prepared, name, recipe, 0)
    read = document_losses(
        trained.model, task, split, backward=recipe.backward, stride=recipe.evaluate.stride
    )
    losses, words = read(split)
    cache, cached = recipe.evaluate.cache, None
    if cache is not None and isinstance(read, DocumentLosses):
        cached, _ = read(split, Cache(cache))
    tokenizer, model = trained.tokenizer, recipe.model
    size = tokenizer.vocabulary_size
    learned = trained.prepared
    train = data.load(learned, "train", recipe, 0) if learned else None
    resamples, seed = recipe.evaluate.resamples, recipe.seed
    case = Read(train, split, losses, words, size, resamples, seed, tokenizer.unknown_id, cached)
    found = {
        **findings(case),
        "words": int(words.sum()),
        "vocabulary": size,
        "tokenizer": recipe.text.tokenizer.kind,
        "both": read.both,
        "backward": recipe.backward,
        "sampled": isinstance(model, Elmo | AwdLstm | Gpt)
        and model.softmax == "sampled"
        and model.samples < size,
        "carry": task.carry,
        "cache": cache and cache.model_dump(),
        "context": model.context if isinstance(model, Gpt) else None,
        "stride": None if isinstance(read, DocumentLosses) else read.stride,
    }
    return Measured(found, table(case), {})


def table(case: Read) -> pd.DataFrame:
    """A row for each document; `example` names a document, whatever run it is in."""
    return pd.DataFrame(
        {
            "example": example_ids(case.split.texts),
            **case.split.origins.columns(),
            "text": [text[:LONGEST] for text in case.split.texts],
            "words": case.words,
            "loss": case.losses,
        }
    )


def findings(case: Read) -> dict[str, Any]:
    """Every section of the report."""
    functions = {
        "perplexity": scores.perplexity(case.losses, case.words),
        "unknown_words": share(unknown(case.split, case.unknown_id), case.words),
    }
    unigram = None if case.train is None else unigram_losses(case, case.train)
    if unigram is not None:
        functions["unigram_perplexity"] = scores.perplexity(unigram, case.words)
    if case.cached is not None:
        functions["cache_perplexity"] = scores.perplexity(case.cached, case.words)
    found = intervals.estimate(functions, len(case.split), case.resamples, case.seed)
    own = np.exp(case.losses / case.words)
    order = np.argsort(own, kind="stable")
    hardest = [row for row in order[::-1][:SHOWN].tolist() if row not in order[:SHOWN]]
    baselines = []
    if unigram is not None:
        words, resamples, seed = case.words, case.resamples, case.seed
        baselines = [against_unigram(case.losses, unigram, words, found, resamples, seed)]
    return {
        "metrics": found,
        "baselines": baselines,
        "documents": [
            {
                **case.split.origins.of(row),
                "perplexity": float(own[row]),
                "words": int(case.words[row]),
                "text": case.split.texts[row][:LONGEST],
            }
            for row in (*order[:SHOWN].tolist(), *hardest[::-1])
        ],
    }


def against_unigram(
    losses: np.ndarray,
    unigram: np.ndarray,
    words: np.ndarray,
    metrics: dict[str, Any],
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """The baseline that knows only how frequent words are, and the model's perplexity against it.

    Args: losses, unigram, (N,) of the model and of the baseline, summed over (N,) words.
    """
    nearness = [scores.nearness(each, words) for each in (losses, unigram)]
    return {
        "baseline": UNIGRAM,
        "metrics": {"perplexity": metrics["unigram_perplexity"]},
        "against": paired.resampled(nearness[0], nearness[1], len(words), resamples, seed),
    }


def share(some: np.ndarray, words: np.ndarray) -> Score:
    return lambda w: w @ some / (w @ words)


def unknown(split: Split, unknown_id: int) -> np.ndarray:
    """(N,) words that are not in the vocabulary."""
    marks = np.concatenate([[0], np.cumsum(split.ids.values == unknown_id)])
    return marks[split.ids.offsets[1:]] - marks[split.ids.offsets[:-1]]


def unigram_losses(case: Read, train: Split) -> np.ndarray:
    """(N,) losses of a model that knows only how frequent each word is in the training texts.

    Each word of the vocabulary counts once more than it stands there, so that none is impossible.
    """
    number, start = case.vocabulary_size, train.ids.values[0]
    counts = np.bincount(train.ids.values, minlength=number) + 1.0
    counts[[PAD, start]] = 0.0  # are never to be predicted
    losses = -np.log(np.maximum(counts, 1e-9) / counts.sum())
    losses[[PAD, start]] = 0.0
    sums = np.concatenate([[0.0], np.cumsum(losses[case.split.ids.values])])
    return sums[case.split.ids.offsets[1:]] - sums[case.split.ids.offsets[:-1]]
