"""Optimizers on their schedules."""

from typing import assert_never

import keras

from components import optimizers
from components.schedules import OneCycle, SlantedTriangular, WarmupThen
from configs import training
from configs.training import Train


def build_optimizer(
    settings: Train, total_steps: int, groups: list[list[keras.Variable]]
) -> keras.optimizers.Optimizer:
    """The recipe's optimizer on its learning-rate schedule, built for the variables of all groups.

    Weight decay leaves biases, norms and other one-dimensional variables alone.
    Args: groups, as of `layer_groups`.
    """
    schedule = _schedule(settings, total_steps)
    chosen = settings.optimizer.model_dump(exclude={"kind"})
    weight_decay = chosen.pop("weight_decay") or None
    match settings.optimizer:
        case training.Adam():
            kind = optimizers.Adam
        case training.Lamb():
            kind = optimizers.Lamb
        case training.SGD():
            kind = optimizers.SGD
        case training.Adadelta():
            kind = optimizers.Adadelta
        case unknown:
            assert_never(unknown)
    # The name is part of the variables' paths, which a checkpoint knows them by.
    optimizer = kind(schedule, weight_decay=weight_decay, name="optimizer", **chosen)
    variables = [variable for group in groups for variable in group]
    # A GRU's biases are two rows.
    spared = [v for v in variables if len(v.shape) < 2 or "bias" in v.name]
    optimizer.exclude_from_weight_decay(spared)
    optimizer.build(variables)
    if settings.discriminative:
        # Howard and Ruder 2018, https://arxiv.org/abs/1801.06146, section 3.2.
        optimizer.multipliers = [
            settings.discriminative ** (number - len(groups))
            for number, group in enumerate(groups, start=1)
            for _ in group
        ]
    return optimizer


def _schedule(settings: Train, total_steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    match settings.schedule:
        case training.Warmup(kind=kind, warmup=warmup, end=end):
            steps = round(warmup * total_steps)
            return WarmupThen(settings.learning_rate, kind, total_steps, steps, end)
        case training.SlantedTriangular(cut=cut, ratio=ratio):
            return SlantedTriangular(settings.learning_rate, total_steps, cut, ratio)
        case training.OneCycle(rise=rise, start=start, end=end):
            return OneCycle(settings.learning_rate, total_steps, rise, start, end)
        case unknown:
            assert_never(unknown)
