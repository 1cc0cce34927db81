"""Averages of the weights against NumPy, and when the mean begins against the paper's listing."""

import numpy as np
import pytest
from test_step import BATCH, a_model, a_step

from pipeline.training import averaging


def weights(step):
    return [v.numpy() for v in step.model.trainable_variables]


def shown(step):
    with step.average.shown():
        return weights(step)


@pytest.mark.parametrize("kind", ["sgd", "adam", "adadelta"])
def test_the_mean_is_of_the_weights_since_it_began(kind):
    step = a_step(a_model(), averaging={"patience": 2}, optimizer={"kind": kind}, learning_rate=0.1)
    for number in range(3):
        step(BATCH, number, False)
        assert all((a == b).all() for a, b in zip(shown(step), weights(step), strict=True))
    step.average.begin()
    iterates = [weights(step)]
    for number in range(3, 8):
        step(BATCH, number, False)
        iterates.append(weights(step))
        for mean, *each in zip(shown(step), *iterates, strict=True):
            assert mean == pytest.approx(np.mean(each, axis=0), abs=1e-6)
    assert all((a == b).all() for a, b in zip(weights(step), iterates[-1], strict=True))


def test_a_step_that_overflowed_is_not_averaged():
    model = a_model(dtype="mixed_float16")
    step = a_step(model, precision="mixed_float16", averaging={"patience": 1})
    step.average.begin()
    step.scale.assign(3e38)
    step(BATCH, 0, False)
    assert step.average.number.numpy() == 1


def algorithm_1(scores, patience):
    """The validation at which Merity et al. begin, with their names; lower scores are better."""
    logs = []
    for t, v in enumerate(scores):
        if t > patience and v > min(logs[: t - patience]):
            return t
        logs.append(v)
    return None


@pytest.mark.parametrize("patience", [1, 2, 5])
def test_it_is_due_when_algorithm_1_says(patience):
    random = np.random.default_rng(patience)
    begun = []
    for _ in range(50):
        scores = (random.normal(size=12) - 0.3 * np.arange(12)).tolist()
        turned = [-score for score in scores]  # of a score of which more is better
        for name, some in (("perplexity", scores), ("accuracy", turned)):
            due = [averaging.due(name, some[: t + 1], patience) for t in range(12)]
            assert (due.index(True) if True in due else None) == algorithm_1(scores, patience)
        begun.append(algorithm_1(scores, patience))
    assert len(set(begun)) > 3


def test_an_equal_score_is_not_worse():
    assert not averaging.due("loss", [1.0, 2.0, 1.0], 1)
    assert averaging.due("loss", [1.0, 2.0, 1.1], 1)
