"""What a training job logs of its steps."""

import keras


def of_step(
    answer: dict, optimizer: keras.optimizers.Optimizer, figures: dict[str, float]
) -> dict[str, float]:
    """The points of the curves at a step.

    Args: answer, of `pipeline.training.step.Step`; figures, of the steps since the last point.
    """
    rate = float(optimizer.learning_rate)
    lowest = rate * min(optimizer.multipliers)
    return {
        "train/loss": float(answer["loss"]) / max(float(answer["weight"]), 1e-12),
        "train/gradient_norm": float(answer["norm"]),
        **{f"train/{k}": float(v) for k, v in answer.items() if k.startswith("norm/")},
        # Of the highest layer group and, where groups differ, of the lowest.
        "train/learning_rate": rate,
        **({"train/learning_rate_lowest": lowest} if lowest < rate else {}),
        **{f"train/{name}": value for name, value in figures.items()},
    }
