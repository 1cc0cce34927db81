"""What there is to say of a masked language model's answers on a split."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from configs.recipe import Recipe
from configs.tasks import MaskedLanguageModel
from pipeline import pretraining
from pipeline.data import Split
from pipeline.evaluation import intervals, scores
from pipeline.evaluation.documents import against_unigram, share
from pipeline.evaluation.judge import example_ids
from pipeline.evaluation.measured import Measured
from pipeline.masked_answers import Answers, Asker
from pipeline.runs import Trained
from pipeline.text.special import PAD

SHOWN = 10  # examples
LONGEST = 300  # characters of an example
HIDDEN = "[{}: {}]"  # what stood there, and what the model says


@dataclass(frozen=True)
class Case:
    """A split, what the model said of it, and the training texts, if they are there."""

    train: Split | None
    split: Split
    answers: Answers
    tokenizer: Any
    resamples: int
    seed: int


def measure(
    recipe: Recipe, task: MaskedLanguageModel, trained: Trained, prepared: Path, name: str
) -> Measured:
    """Let the model name the hidden tokens of the split, and say how well it did."""
    split, learned = pretraining.load(prepared, name, task), trained.prepared
    train = pretraining.load(learned, "train", task) if learned else None
    answers = Asker(trained.model, tf.distribute.get_strategy())(split)
    resamples, seed = recipe.evaluate.resamples, recipe.seed
    case = Case(train, split, answers, trained.tokenizer, resamples, seed)
    found = {
        **findings(case),
        "hidden": len(answers.targets),
        "vocabulary": trained.tokenizer.vocabulary_size,
        "tokenizer": recipe.text.tokenizer.kind,
        "pairs": task.pairs,
        "masking": task.masking.model_dump(),
    }
    return Measured(found, table(case), {})


def findings(case: Case) -> dict[str, Any]:
    """Every section of the report."""
    answers, hidden = case.answers, case.answers.hidden
    losses = answers.by_example(answers.losses)
    unknown = answers.targets == case.tokenizer.unknown_id
    functions = {
        "masked_loss": lambda w: w @ losses / (w @ hidden),
        "perplexity": scores.perplexity(losses, hidden),
        "accuracy": share(answers.by_example(answers.right), hidden),
        "unknown_words": share(answers.by_example(unknown), hidden),
    }
    unigram = None
    if case.train is not None:
        chances = unigram_chances(case, case.train)
        unigram = answers.by_example(-np.log(chances[answers.targets]))
        commonest = answers.by_example(answers.targets == chances.argmax())
        functions["unigram_perplexity"] = scores.perplexity(unigram, hidden)
        functions["unigram_accuracy"] = share(commonest, hidden)
    if len(answers.pair_losses):
        functions["pair_accuracy"] = intervals.Share(answers.pairs_right)
        functions["pair_loss"] = scores.mean(answers.pair_losses)
    found = intervals.estimate(functions, answers.number, case.resamples, case.seed)
    baselines = []
    if unigram is not None:
        resamples, seed = case.resamples, case.seed
        baselines = [against_unigram(losses, unigram, hidden, found, resamples, seed)]
    return {
        "metrics": found,
        "baselines": baselines,
        "fates": fates(answers, case.tokenizer.mask_id),
        "examples": [spelled(case, row) for row in range(min(SHOWN, answers.number))],
    }


def unigram_chances(case: Case, train: Split) -> np.ndarray:
    """(V,) of each token, from how often it is in the training texts.

    Each counts once more than it stands there, so that none is impossible, but for those that are
    never hidden.
    """
    tokenizer, static = case.tokenizer, train.labels.targets
    texts = [train.ids.values, *([] if static is None else [static.values])]
    counts = np.ones(tokenizer.vocabulary_size)
    for ids in texts:
        counts += np.bincount(ids, minlength=len(counts))
    counts[[PAD, tokenizer.start_id, tokenizer.end_id, tokenizer.mask_id]] = 0.0
    return counts / counts.sum()


def fates(answers: Answers, mask_id: int) -> list[dict[str, Any]]:
    """How good the answers are by what stands in a token's place."""
    itself = answers.shown == answers.targets
    mask = ~itself & (answers.shown == mask_id)
    parts = {"[MASK]": mask, "another token": ~itself & ~mask, "the token itself": itself}
    return [
        {
            "shown": name,
            "n": int(some.sum()),
            "loss": float(answers.losses[some].mean()),
            "accuracy": float(answers.right[some].mean()),
        }
        for name, some in parts.items()
        if some.any()
    ]


def spelled(case: Case, row: int) -> str:
    """An example with each hidden token and the model's in brackets."""
    answers, vocabulary = case.answers, case.tokenizer.vocabulary
    tokens = [vocabulary[token] for token in case.split.ids[row]]
    for i in np.flatnonzero(answers.rows == row):
        right, said = (vocabulary[x[i]] for x in (answers.targets, answers.tokens))
        tokens[answers.places[i]] = HIDDEN.format(right, said if said != right else "right")
    return " ".join(tokens)[:LONGEST]


def table(case: Case) -> pd.DataFrame:
    """A row for each example; `example` names it, whatever run it is in."""
    answers, vocabulary = case.answers, case.tokenizer.vocabulary
    texts = [
        " ".join(vocabulary[token] for token in case.split.ids[row])
        for row in range(answers.number)
    ]
    columns = {
        "example": example_ids(texts),
        "text": [text[:LONGEST] for text in texts],
        "words": answers.hidden,  # as of other language models, which are compared by them
        "loss": answers.by_example(answers.losses),
        "right": answers.by_example(answers.right).astype(np.int64),
    }
    if len(answers.pair_losses):
        columns |= {"pair_loss": answers.pair_losses, "pair_right": answers.pairs_right}
    return pd.DataFrame(columns)
