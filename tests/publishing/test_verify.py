"""The comparison behind `textmill verify`: what passes, and what must not."""

import pytest

from pipeline.errors import JobError
from pipeline.publishing.verify import replay


def request(text="a card", probabilities=(0.5, 0.3, 0.2), labels=("x", "y", "z"), k=2):
    best = sorted(range(len(labels)), key=lambda i: -probabilities[i])[:k]
    names, scores = [labels[i] for i in best], [probabilities[i] for i in best]
    outputs = {"label": names[0], "score": scores[0], "labels": names, "scores": scores}
    return {"text": text, "outputs": {**outputs, "probabilities": list(probabilities)}}


def server(*requests, **changes):
    """Answers as recorded, apart from `changes`: output name -> what every text gets there."""
    known = {r["text"]: r["outputs"] for r in requests}

    def answer(texts):
        columns = {name: [known[text][name] for text in texts] for name in requests[0]["outputs"]}
        return columns | {name: [value] * len(texts) for name, value in changes.items()}

    return answer


def test_the_same_answers_differ_by_nothing():
    golden = [request("a"), request("b", (0.1, 0.2, 0.7)), request("", (0.4, 0.3, 0.3))]
    assert replay(golden, server(*golden)) == 0.0


def test_the_largest_difference_is_returned():
    golden = [request("a"), request("b")]
    got = replay(golden, server(*golden, probabilities=[0.5, 0.300004, 0.2]))
    assert got == pytest.approx(4e-6, rel=1e-3)


@pytest.mark.parametrize(
    "changes",
    [
        {"score": 0.50002},
        {"scores": [0.5, 0.30002]},
        {"probabilities": [0.5, 0.3, float("nan")]},
        {"probabilities": [0.5, 0.3]},
        {"label": "y"},
        {"labels": ["x", "z"]},
        {"labels": ["x"]},
        {"label": 0.5},
        {"score": "high"},
        {"surprise": 1.0},
    ],
)
def test_another_answer_is_an_error_that_shows_the_text(changes):
    golden = [request("a"), request("the worst one", (0.5, 0.3, 0.2))]
    right = server(golden[0])

    def answer(texts):
        return right(texts) if texts == ["a"] else server(golden[1], **changes)(texts)

    with pytest.raises(JobError, match="the worst one"):
        replay(golden, answer, batch_size=1)


def test_a_missing_output_is_an_error():
    golden = [request()]
    answers = server(*golden)(["a card"])
    del answers["scores"]
    with pytest.raises(JobError, match="inf"):
        replay(golden, lambda texts: answers)


def test_labels_may_swap_only_when_their_probabilities_are_as_good_as_equal():
    tie = request(probabilities=(0.4, 0.4 - 1e-7, 0.2))
    assert replay([tie], server(tie, label="y", labels=["y", "x"])) == 0.0
    near = request(probabilities=(0.4, 0.4 - 1e-4, 0.2))
    with pytest.raises(JobError):
        replay([near], server(near, label="y", labels=["y", "x"]))


def test_a_tie_at_the_last_place_may_show_the_label_that_was_cut_off():
    tie = request(probabilities=(0.5, 0.25, 0.25))
    assert replay([tie], server(tie, labels=["x", "z"])) == 0.0


def test_large_numbers_are_compared_by_their_size():
    golden = [{"text": "a", "outputs": {"value": 50_000.0}}]
    assert replay(golden, lambda texts: {"value": [50_000.25]}) == pytest.approx(5e-6)
    with pytest.raises(JobError):
        replay(golden, lambda texts: {"value": [50_001.0]})


def test_the_tolerance_decides():
    golden = [request()]
    answer = server(*golden, score=0.501)
    assert replay(golden, answer, tolerance=2e-3) == pytest.approx(1e-3)
    with pytest.raises(JobError, match=r"0\.001"):
        replay(golden, answer)


def test_a_token_of_a_whole_vocabulary_has_more_room():
    golden = [{"text": "a", "outputs": {"tokens": ["of", "was"], "scores": [0.55, 0.13]}}]
    changed = server(*golden, scores=[0.58, 0.13])
    assert replay(golden, changed, tolerance=1e-2) == pytest.approx(0.03)
    with pytest.raises(JobError, match=r"up to 0\.03, allowed is 0\.02"):
        replay(golden, changed, tolerance=5e-3)


SEVERAL = {
    "text": "a card",
    "thresholds": {"x": 0.3, "y": 0.5, "z": 0.9},
    "outputs": {
        "label": "x",
        "score": 0.6,
        "labels": ["x", "y"],
        "scores": [0.6, 0.5000004],
        "probabilities": [0.6, 0.5000004, 0.7],
    },
}


def test_a_label_close_to_its_threshold_may_pass_or_not():
    assert replay([SEVERAL], server(SEVERAL)) == 0.0
    found = server(SEVERAL, labels=["x"], scores=[0.6], probabilities=[0.6, 0.4999996, 0.7])
    assert replay([SEVERAL], found) == pytest.approx(8e-7)


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": ["y"], "scores": [0.5000004], "label": "y", "score": 0.5000004},
        {"labels": ["x", "z"], "scores": [0.6, 0.5]},
        {"labels": ["y", "x"]},
        {"scores": [0.61, 0.5000004], "score": 0.61},
        {"labels": ["x"]},
        {"labels": [], "scores": [], "label": "", "score": 0.0},
        {"label": ""},
        {"score": 0.5},
        {"probabilities": [0.6, 0.51, 0.7]},
    ],
)
def test_other_labels_of_several_are_an_error(changes):
    with pytest.raises(JobError, match="a card"):
        replay([SEVERAL], server(SEVERAL, **changes))
