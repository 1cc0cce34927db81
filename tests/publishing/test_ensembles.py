"""An ensemble from its members' runs to its export, which needs none of them."""

import shutil

import numpy as np
import pytest
from scipy.special import softmax

from configs.loading import parse
from configs.recipe import Recipe
from pipeline import artifacts, data, finding_runs, predictions, runs
from pipeline.errors import JobError
from pipeline.evaluation.evaluate import evaluate
from pipeline.prepare import prepare
from pipeline.publishing.export import export
from pipeline.publishing.verify import verify
from pipeline.recipes.check import estimate
from pipeline.training.train import train

SPELLED = {"width": 6, "characters": {"width": 4, "filters": ((2, 3),)}}


def like(recipe, **changes):
    """The recipe with other values, validated again."""
    return Recipe.model_validate({**recipe.model_dump(), **changes})


@pytest.fixture(scope="module")
def members(trained):
    """Two seeds of a text CNN, and an LSTM that spells its words; by their recipes."""
    cnn = trained.recipe
    lstm = {"kind": "lstm", "units": 5, "embedding": SPELLED}
    recipes = [cnn, like(cnn, seed=2), like(cnn, name="spelled", model=lstm)]
    return [train(recipe, prepare(recipe)) for recipe in recipes]


@pytest.fixture(scope="module")
def recipe(trained, members):
    model = {"kind": "ensemble", "members": tuple(map(str, members))}
    return like(trained.recipe, name="together", model=model)


@pytest.fixture(scope="module")
def run_dir(recipe):
    return train(recipe, prepare(recipe))


def answers(run_dir):
    """(N, C) logits of the test split."""
    found = runs.load(run_dir)
    split = data.load(found.prepared, "test", found.recipe, len(found.labels))
    return predictions.logits(found.model, split)


def test_its_probabilities_are_the_mean_of_the_members(run_dir, members):
    expected = np.mean([softmax(answers(member), axis=1) for member in members], axis=0)
    np.testing.assert_allclose(softmax(answers(run_dir), axis=1), expected, atol=1e-6)
    assert np.ptp([answers(member) for member in members], axis=0).min() > 0  # they do differ


def test_it_is_evaluated_exported_and_verified_without_its_members(
    recipe, run_dir, members, tmp_path
):
    kept = [shutil.move(member, tmp_path / member.name) for member in members]
    try:
        found = evaluate(recipe, prepare(recipe), run_dir)
        assert verify(export(recipe, run_dir)) < 1e-5
    finally:
        for there, here in zip(kept, members, strict=True):
            shutil.move(there, here)
    assert set(found) >= {"accuracy", "macro_f1"}
    card = (export(recipe, run_dir) / "MODEL_CARD.md").read_text()
    assert "An ensemble that gives" in card


def test_its_size_is_that_of_its_members(recipe, run_dir, members):
    told = estimate(recipe)
    sizes = [artifacts.manifest(member / "training")["parameters"] for member in members]
    assert list(told["parts"].values()) == sizes
    assert artifacts.manifest(run_dir / "training")["parameters"] == sum(sizes)
    assert (told["state_bytes"], told["activation_bytes"]) == (4 * sum(sizes), 0)


def test_it_is_another_one_when_a_member_is_another(recipe, run_dir, members):
    prepared = prepare(recipe)
    swapped = like(recipe, model={"kind": "ensemble", "members": tuple(map(str, members[:2]))})
    assert runs.directory(recipe, runs.mark(recipe, prepared)) == run_dir
    assert runs.mark(swapped, prepared) != runs.mark(recipe, prepared)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": {"max_length": 7}}, r"other prepared data.*text\.max_length \(20 there\)"),
        ({"train": {"precision": "mixed_bfloat16"}}, r"computes in float32, this recipe says"),
    ],
)
def test_members_that_do_not_fit(recipe, changes, message):
    other = like(recipe, **changes)
    with pytest.raises(JobError, match=message):
        train(other, prepare(other))


def test_an_ensemble_of_ensembles(recipe, run_dir, members):
    model = {"kind": "ensemble", "members": (str(run_dir), str(members[0]))}
    with pytest.raises(JobError, match=r"is an ensemble itself: name its members"):
        train(like(recipe, model=model), prepare(recipe))
    assert finding_runs.recipe(run_dir) == recipe


def test_an_ensemble_starts_from_nothing_else():
    text = "{name: x, data: {train: a}, task: {kind: classify}, init_from: a, model: %s}"
    with pytest.raises(ValueError, match="an ensemble has the weights of its members"):
        parse(text % "{kind: ensemble, members: [a, b]}")
