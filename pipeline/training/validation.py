"""How good the model is on the validation split, in the middle of its training."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from configs.tasks import LanguageModel, Task
from pipeline import tasks
from pipeline.batching import signature
from pipeline.data import Split
from pipeline.perplexity import DocumentLosses
from pipeline.predictions import Forward

Validate = Callable[[], dict[str, float]]


def validator(
    task: Task, model: keras.Model, strategy: tf.distribute.Strategy, split: Split
) -> Validate:
    """Make the function that tells the mean loss and the task's scores of the model as it is."""
    if isinstance(task, LanguageModel):
        return language_model(DocumentLosses(model, task, split), split)
    return labels(task, Forward(model, strategy, signature(split)), split)


def language_model(document_losses: DocumentLosses, split: Split) -> Validate:
    def validate() -> dict[str, float]:
        losses, words = document_losses(split)
        loss = float(losses.sum() / words.sum())
        return {"loss": loss, "perplexity": float(np.exp(loss))}

    return validate


def labels(task: Task, forward: Forward, split: Split) -> Validate:
    loss = tasks.loss_function(task)

    def validate() -> dict[str, float]:
        total = weight = 0.0
        order, logits = [], []
        for rows, batch, outputs in forward.batches(split):
            total += float((loss(outputs, batch) * batch["weight"]).numpy().sum())
            weight += float(batch["weight"].sum())
            order.append(rows)
            logits.append(outputs["logits"].numpy()[: len(rows)])
        found = tasks.scores(task, split.labels[np.concatenate(order)], np.concatenate(logits))
        return {"loss": total / weight, **found}

    return validate
