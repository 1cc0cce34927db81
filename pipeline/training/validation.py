"""How good the model is on the validation split, in the middle of its training."""

import numpy as np

from configs.tasks import Task
from pipeline import tasks
from pipeline.data import Split
from pipeline.predictions import Forward


def validate(task: Task, forward: Forward, split: Split, loss: tasks.Loss) -> dict[str, float]:
    """The mean loss, and the task's scores."""
    total = weight = 0.0
    order, logits = [], []
    for rows, batch, outputs in forward.batches(split):
        total += float((loss(outputs, batch) * batch["weight"]).numpy().sum())
        weight += float(batch["weight"].sum())
        order.append(rows)
        logits.append(outputs["logits"].numpy()[: len(rows)])
    labels = split.labels[np.concatenate(order)]
    return {"loss": total / weight, **tasks.scores(task, labels, np.concatenate(logits))}
