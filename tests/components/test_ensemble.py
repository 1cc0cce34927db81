"""The mean of several models' answers, against NumPy and scipy."""

import keras
import numpy as np
import pytest
from scipy.special import expit, softmax

from components.ensemble import MeanAnswer, ensemble

LOGITS = np.random.default_rng(0).normal(size=(4, 3, 5)).astype(np.float32) * 4


@pytest.mark.parametrize(
    ("task", "probabilities"),
    [
        ("classify", lambda z: softmax(z, axis=-1)),
        ("multilabel", expit),
        ("regress", lambda z: z),
    ],
)
def test_its_probabilities_are_the_mean_of_theirs(task, probabilities):
    found = np.asarray(MeanAnswer(task)(LOGITS))
    expected = probabilities(LOGITS.astype(np.float64)).mean(axis=1)
    np.testing.assert_allclose(probabilities(found.astype(np.float64)), expected, atol=1e-6)


def test_answers_that_are_all_but_sure_stay_apart():
    logits = np.float32([[[200.0, 0, 100], [190, 0, 100]]])
    for task in ("classify", "multilabel"):
        found = np.asarray(MeanAnswer(task)(logits))[0]
        assert np.isfinite(found).all()
        assert found[0] > found[2] > found[1]


def test_another_task_is_refused():
    with pytest.raises(ValueError, match=r"task must be one of .*Received: 'tag'"):
        MeanAnswer("tag")


def test_members_read_what_they_need():
    def member(number, *names):
        with keras.name_scope(f"member_{number}"):
            inputs = {name: keras.Input((None, 4), name=name) for name in names}
            pooled = [keras.ops.mean(x, axis=1) for x in inputs.values()]
            dense = keras.layers.Dense(5, name="head")
            return keras.Model(inputs, {"logits": dense(sum(pooled))}, name="same")

    members = {"member_0": member(0, "ids"), "member_1": member(1, "ids", "characters")}
    joined = ensemble(members, MeanAnswer("regress", name="mean"))
    assert list(joined.input) == ["ids", "characters"]
    paths = [weight.path for weight in joined.weights]
    assert paths == [f"member_{n}/head/{w}" for n in (0, 1) for w in ("kernel", "bias")]
    random = np.random.default_rng(1)
    given = {name: random.normal(size=(3, 2, 4)).astype(np.float32) for name in joined.input}
    each = [m({name: given[name] for name in m.input})["logits"] for m in members.values()]
    np.testing.assert_allclose(joined(given)["logits"], np.mean(each, axis=0), atol=1e-6)
