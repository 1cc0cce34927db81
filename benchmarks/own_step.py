"""The step that `textmill train` takes, without a run around it."""

from collections.abc import Callable, Sequence

STEPS = 1000  # that a schedule is for


def step_of(recipe, vocabulary: Sequence[str], num_labels: int, signature: dict):
    """The `pipeline.training.step.Step` of a recipe.

    Args: signature, the specs of its batches.
    """
    import tensorflow as tf

    from pipeline import build, tasks
    from pipeline.training.step import Step

    model = build.build_model(recipe, vocabulary, num_labels)
    return Step(
        model,
        build.build_optimizer(recipe.train, STEPS, [model.trainable_variables]),
        tasks.loss_function(recipe.task),
        tf.distribute.get_strategy(),
        recipe.train,
        recipe.seed,
        signature,
    )


def prepared(recipe) -> tuple:
    """The recipe's vocabulary, its labels and its training split, after `textmill prepare`."""
    from pipeline import artifacts, prepare
    from pipeline.text import tokenizers
    from pipeline.training import examples

    directory = prepare.prepare(recipe)
    labels = artifacts.read_json(directory / "labels.json")
    vocabulary = tokenizers.load(directory / "tokenizer").vocabulary
    return vocabulary, labels, examples.load(recipe, directory, labels)["train"]


def stepper(recipe_text: str, vocabulary: int, num_labels: int, batch: dict) -> Callable:
    """The function that takes a step on one batch, without prepared data.

    Args: vocabulary, its size; batch, arrays by name as training makes them.
    """
    import tensorflow as tf

    from configs import loading

    shown = {name: tf.constant(x) for name, x in batch.items()}
    signature = {name: tf.TensorSpec([None] * x.ndim, x.dtype) for name, x in shown.items()}
    step = step_of(loading.parse(recipe_text), ["word"] * vocabulary, num_labels, signature)
    return lambda: float(step(shown, 1, False)["loss"])
