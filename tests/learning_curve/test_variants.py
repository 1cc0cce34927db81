"""What the command line says of a learning curve, and what it refuses."""

import pytest

from configs.loading import RecipeError
from pipeline.learning_curve.variants import seeds, sizes, variants

RECIPE = """
name: tiny
data: {train: a.csv, test: b.csv}
task: {kind: classify}
model: {kind: text_cnn}
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(RECIPE)
    return path


def test_variants_are_the_recipe_with_other_settings(path):
    asked = ["as_it_is", "small:model.filters=5,train.epochs=2", "wide:model.widths=[2, 3],seed=1"]
    same, small, wide = variants(path, ["train.epochs=7"], asked)
    assert (same.recipe.train.epochs, small.recipe.train.epochs) == (7, 2)
    assert small.recipe.model.filters == 5
    assert wide.recipe.model.widths == (2, 3)  # a comma within a value parts no settings
    (only,) = variants(path, [], [])
    assert (only.name, only.settings) == ("tiny", ())


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["small:"], "should be NAME:KEY=VALUE"),
        (["small:epochs"], "should be NAME:KEY=VALUE"),
        (["train.epochs=3"], "should be NAME:KEY=VALUE"),
        (["a:train.epoch=3"], "--variant a:train.epoch=3: .*did you mean train.epochs"),
        (["a", "a:seed=1"], "there is a variant 'a' already"),
        (["a:seed=2"], "changes seed"),
        (["a:data.test=0.2"], "changes data.test"),
        (["a:task.label=other"], "changes task"),
    ],
)
def test_wrong_variants_are_refused(path, asked, said):
    with pytest.raises(RecipeError, match=said):
        variants(path, [], asked)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["task.kind=language_model", "model.kind=elmo"], "language_model has no labels"),
        (["data.test=null"], "set data.test"),
        (["train.strategy.kind=multi_worker"], "one after the other"),
    ],
)
def test_recipes_without_a_curve_are_refused(path, settings, said):
    with pytest.raises(RecipeError, match=said):
        variants(path, settings, [])


def test_sizes_and_seeds():
    assert sizes("1000, 100,all,100") == [100, 1000, "all"]
    assert seeds("3,1") == [1, 3]
    for text in ("0", "-5", "many", "", "1e3"):
        with pytest.raises(RecipeError, match="--sizes"):
            sizes(text)
    with pytest.raises(RecipeError, match="--seeds 1,x: 'x' does not belong there"):
        seeds("1,x")
