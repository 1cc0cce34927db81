"""Gradual unfreezing: a model is trained from its head down, a layer group more in each epoch.

Howard and Ruder 2018, https://arxiv.org/abs/1801.06146, section 3.3.
"""

import logging

import keras

from pipeline.training.step import Step

log = logging.getLogger("textmill")


def unfreeze(step: Step, groups: list[list[keras.Variable]], epoch: int, begins: bool) -> None:
    """From here on train the last epoch + 1 groups.

    Args: groups, from bottom to top; begins, whether the epoch does, or is gone on with.
    """
    trained = groups[-1 - epoch :]
    if begins and 0 < epoch < len(groups):
        step.optimizer.begin(trained[0])
    step.train([variable for group in trained for variable in group])
    layers = dict.fromkeys(v.path.rpartition("/")[0] for group in trained for v in group)
    log.info("train: epoch %d trains %s", epoch, ", ".join(layers))
