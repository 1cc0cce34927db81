"""How good the model is on the validation split, in the middle of its training."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from scipy.special import expit

from configs.recipe import Recipe
from configs.tasks import LanguageModel, MaskedLanguageModel, Multilabel, Span, Tag, Task
from pipeline import labels as split_labels
from pipeline import masked_answers, tasks
from pipeline.batching import signature
from pipeline.data import Split
from pipeline.evaluation import judge, span_scores, tagging_scores, thresholds
from pipeline.perplexity import document_losses
from pipeline.predictions import Forward
from pipeline.span_predictions import predict

Scores = dict[str, float]

PARTS = 10  # of a text that runs on: `eval_batch_size` of https://github.com/salesforce/awd-lstm-lm


def validator(
    recipe: Recipe,
    labels: list[str],
    model: keras.Model,
    strategy: tf.distribute.Strategy,
    split: Split,
) -> Callable[[], Scores]:
    """Make the function that tells the mean loss and the task's scores of the model as it is."""
    task = recipe.task
    if isinstance(task, LanguageModel):
        losses = document_losses(model, task, split, PARTS, recipe.backward)
        return lambda: of_documents(losses, split)
    if isinstance(task, MaskedLanguageModel):
        ask = masked_answers.Asker(model, strategy)
        return lambda: masked_answers.scores(ask(split), task.pair_weight)
    forward = Forward(model, strategy, signature(split))
    if isinstance(task, Tag):
        return lambda: of_tags(task, labels, forward, split)
    if isinstance(task, Span):
        return lambda: of_questions(task, forward, split)
    return lambda: of_texts(task, forward, split)


def of_documents(read: Callable, split: Split) -> Scores:
    losses, words = read(split)
    loss = float(losses.sum() / words.sum())
    return {"loss": loss, "perplexity": float(np.exp(loss))}


def of_texts(task: Task, forward: Forward, split: Split) -> Scores:
    loss = Mean(tasks.loss_function(task))
    logits = judge.with_unseen(forward.logits(split, loss.add), split)
    chosen = None
    if isinstance(task, Multilabel):
        chosen = thresholds.choose(task, split.labels, expit(logits))
    functions = judge.score_functions(task, split.labels, logits, chosen)
    return {"loss": loss.value, **plain(functions, split)}


def of_tags(task: Tag, labels: list[str], forward: Forward, split: Split) -> Scores:
    loss = Mean(tasks.loss_function(task))
    tags, _ = forward.tags(split, tasks.decoder(task, labels), loss.add)
    names = [*labels, *split.unseen]
    gold, predicted = (
        [[names[tag] for tag in some[row]] for row in range(len(split))]
        for some in (split.labels, tags)
    )
    functions = tagging_scores.score_functions(task.scheme, gold, predicted)
    return {"loss": loss.value, **plain(functions, split)}


def of_questions(task: Span, forward: Forward, split: Split) -> Scores:
    loss, asked = Mean(tasks.loss_function(task)), split.asked
    given = predict(forward, split, task, loss.add).given
    golds = [asked.answers[row] for row in range(len(asked))]
    exact, f1 = span_scores.scores(given, golds, task.impossible)
    return {"loss": loss.value, "f1": float(f1.mean()), "exact": float(exact.mean())}


class Mean:
    """The weighted mean of a loss over batches."""

    def __init__(self, loss: tasks.Loss) -> None:
        self.loss, self.total, self.weight = loss, 0.0, 0.0

    def add(self, outputs: dict, batch: dict) -> None:
        if "logits" in outputs:
            number = outputs["logits"].shape[-1]
            label, known = split_labels.answerable(batch["label"], number)
            batch = {**batch, "label": label, "weight": batch["weight"] * known}
        self.total += float((self.loss(outputs, batch) * batch["weight"]).numpy().sum())
        self.weight += float(batch["weight"].sum())

    @property
    def value(self) -> float:
        return self.total / self.weight if self.weight else float("nan")


def plain(functions: dict, split: Split) -> Scores:
    """The scores when every example counts once, without the intervals around them.

    The correlation of answers that are all alike, which is not defined, counts as 0 here.
    """
    once, untold = np.ones((1, len(split))), ("nll", "ece")  # the first is the loss, or close
    return {
        name: float(np.nan_to_num(score(once)[0]))
        for name, score in functions.items()
        if name not in untold
    }
