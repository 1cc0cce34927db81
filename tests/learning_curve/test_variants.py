"""What the command line says of a learning curve, and what it refuses."""

import pytest

from configs.loading import RecipeError
from pipeline.learning_curve.variants import at_sizes, seeds, sizes, variants

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
    same, small, wide = variants(path, ["train.epochs=7"], asked, {})
    assert (same.recipe.train.epochs, small.recipe.train.epochs) == (7, 2)
    assert small.recipe.model.filters == 5
    assert wide.recipe.model.widths == (2, 3)  # a comma within a value parts no settings
    (only,) = variants(path, [], [], {})
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
        variants(path, [], asked, {})


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
        variants(path, settings, [], {})


def test_sizes_have_seeds_and_settings_of_their_own(path):
    assert seeds("3,1") == [1, 3]
    found = sizes("1000, 100,allx1,100x2", [1, 2, 3])
    assert found == {100: [1, 2], 1000: [1, 2, 3], "all": [1]}
    assert list(found) == [100, 1000, "all"]
    at = at_sizes(["all:train.epochs=2,model.widths=[2, 3]", "all:seed=1"], found)
    assert at == {"all": ("train.epochs=2", "model.widths=[2, 3]", "seed=1")}
    few, many = variants(path, [], ["few:train.epochs=5", "many"], at)
    assert [few.recipe_at(size).train.epochs for size in found] == [5, 5, 2]
    assert many.recipe_at("all").model.widths == (2, 3)
    assert many.recipe_at(100) == many.recipe


@pytest.mark.parametrize("text", ["0", "-5", "many", "", "1e3", "100x0", "allx", "x2"])
def test_wrong_sizes_are_refused(text):
    with pytest.raises(RecipeError, match="--sizes"):
        sizes(text, [1])


def test_seeds_that_are_not_there_are_refused():
    with pytest.raises(RecipeError, match="'100x3' asks for 3 seeds, and --seeds has 2"):
        sizes("100x3", [1, 2])
    with pytest.raises(RecipeError, match="--seeds 1,x: 'x' does not belong there"):
        seeds("1,x")


@pytest.mark.parametrize("text", ["all", "all:epochs", "50:train.epochs=2", ":train.epochs=2"])
def test_wrong_settings_of_sizes_are_refused(text):
    with pytest.raises(RecipeError, match="should be SIZE:KEY=VALUE"):
        at_sizes([text], [100, "all"])


def test_settings_of_a_size_change_nothing_that_is_compared(path):
    with pytest.raises(RecipeError, match="--at all:seed=2: changes seed"):
        variants(path, [], [], {"all": ("seed=2",)})
