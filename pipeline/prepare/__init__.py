"""Raw files -> prepared data: checked, split, tokenized, sharded, and a report about it."""

from pathlib import Path

from configs.recipe import Recipe


def prepare(recipe: Recipe, patience: float | None = None) -> Path:
    """Prepare a recipe's data, unless that is done already, and return the directory.

    Args: patience, of a task that leaves it to another one: how many seconds to wait for that.

    Raises:
        JobError: files are missing, what is in them is not fit to train on, or the other task took
            too long.
        RecipeError: the recipe asks for splits that cannot be.
    """
    # Beam and TensorFlow take seconds to import; a command that prepares nothing must not wait.
    from pipeline.prepare.stages import run

    return run(recipe, patience)
