"""A recipe whose job is only played, for its record."""

from configs.recipe import Recipe


def small_recipe(folder, **settings):
    settings = {
        "name": "tiny",
        "work": str(folder / "work"),
        "data": {"train": "samples/*.csv"},
        "task": {"kind": "classify"},
        "model": {"kind": "text_cnn"},
    } | settings
    return Recipe.model_validate(settings)
