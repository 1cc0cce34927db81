"""Raw files -> prepared data: checked, split, tokenized, sharded, and a report about it."""

from pathlib import Path

from configs.recipe import Recipe


def prepare(recipe: Recipe) -> Path:
    """Prepare a recipe's data, unless that is done already, and return the directory.

    Raises:
        JobError: files are missing, or what is in them is not fit to train on.
        RecipeError: the recipe asks for splits that cannot be.
    """
    # Beam and TensorFlow take seconds to import; a command that prepares nothing must not wait.
    from pipeline.prepare.stages import run

    return run(recipe)
