"""The step that `textmill train` takes, of a recipe, on one batch and without prepared data."""

from collections.abc import Callable


def stepper(recipe_text: str, vocabulary: int, num_labels: int, batch: dict) -> Callable:
    """The function that takes a step on the batch.

    Args: vocabulary, its size; batch, arrays by name as training makes them.
    """
    import tensorflow as tf

    from configs import loading
    from pipeline import build, tasks
    from pipeline.training.step import Step

    recipe = loading.parse(recipe_text)
    model = build.build_model(recipe, ["word"] * vocabulary, num_labels)
    optimizer = build.build_optimizer(recipe.train, 1000, [model.trainable_variables])
    shown = {name: tf.constant(x) for name, x in batch.items()}
    step = Step(
        model,
        optimizer,
        tasks.loss_function(recipe.task),
        tf.distribute.get_strategy(),
        recipe.train,
        recipe.seed,
        {name: tf.TensorSpec([None] * x.ndim, x.dtype) for name, x in shown.items()},
    )
    return lambda: float(step(shown, 1, False)["loss"])
