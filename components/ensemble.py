"""Several models of the same labels as one: the mean of what they answer."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("textmill")
class MeanAnswer(keras.layers.Layer):
    """The scores whose probabilities are the mean of those of M models.

        classify      log(mean_m softmax(z_m)), whose softmax is the mean of the softmaxes,
        multilabel    log(p / (1 - p)) of p = mean_m sigmoid(z_m), whose sigmoid is p,
        regress       mean_m z_m,

    the first two from logarithms, so that no probability is too small to be told from 0.

    Call: (B, M, C) logits -> (B, C) float32.
    Args: task, `classify`, `multilabel` or `regress`.
    """

    def __init__(self, task="classify", **kwargs):
        super().__init__(**kwargs)
        if task not in (known := ("classify", "multilabel", "regress")):
            raise ValueError(f"task must be one of {known}. Received: {task!r}")
        self.task = task

    def call(self, logits):
        logits = ops.cast(logits, "float32")
        if self.task == "classify":
            return log_mean(ops.log_softmax(logits, axis=-1))
        if self.task == "multilabel":
            return log_mean(ops.log_sigmoid(logits)) - log_mean(ops.log_sigmoid(-logits))
        return ops.mean(logits, axis=1)

    def get_config(self):
        return {**super().get_config(), "task": self.task}


def log_mean(logs):
    """The logarithm of the mean over M of e to (B, M, C)."""
    top = ops.max(logs, axis=1, keepdims=True)
    return top[:, 0] + ops.log(ops.mean(ops.exp(logs - top), axis=1))


def ensemble(members, mean):
    """Models side by side on the same texts.

    Call: all inputs that a member has -> {"logits": (B, C) float32}.
    Args: members, models with the output "logits", by their names; mean, a MeanAnswer.
    """
    read = {name: x for model in members.values() for name, x in model.input.items()}
    inputs = {n: keras.Input(x.shape[1:], dtype=x.dtype, name=n) for n, x in read.items()}
    logits = []
    for name, model in members.items():
        model.name = name  # two layers of one model may not share theirs
        logits.append(model({n: inputs[n] for n in model.input})["logits"])
    return keras.Model(inputs, {"logits": mean(ops.stack(logits, axis=1))}, name="ensemble")
