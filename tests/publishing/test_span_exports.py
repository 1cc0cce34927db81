"""Exports of span models: raw questions and contexts in, answers and their places out."""

import numpy as np
import pytest
from small_models import LSTM, small

from pipeline.publishing import golden, saved_model, serving_ops
from pipeline.publishing.golden_spans import span_answers_to
from pipeline.publishing.span_signatures import span_servable
from pipeline.publishing.verify import replay

LONG = "my card, lost?  Where is Köln? the card a pay pays " * 4
EXAMPLES = [
    ("where is my card?", LONG),
    ("lost?", "My  card\u2028is ❤️ in Ko\u0308ln."),
    ("where is the card is the card is the card", "Lost"),
    ("", "a card"),
    ("pay?", ""),
]
SPAN = "{kind: span, stride: 10, longest_question: 4, longest_answer: 3, n_best: 4%s}"
EXPORTS = {
    "answerable": ("", ()),
    "impossible": (", impossible: true, threshold: 0.1", ()),
    "pieces": (", impossible: true", ("text.tokenizer={kind: wordpiece}",)),
    "bfloat16": (", impossible: true", ("train.precision=mixed_bfloat16",)),
}


@pytest.fixture(scope="module", params=EXPORTS)
def made(request, tmp_path_factory):
    """The recipe, the tokenizer, the model, its export and what that answers."""
    more, settings = EXPORTS[request.param]
    recipe, tokenizer, model = small(SPAN % more, LSTM, [], *settings)
    folder = tmp_path_factory.mktemp(request.param)
    span_servable(tokenizer, model, recipe.task, 3).save(folder)
    return recipe, tokenizer, model, folder, saved_model.load(folder)


def test_it_answers_what_the_model_answers(made):
    recipe, tokenizer, model, _, answer = made
    tolerance = 1e-2 if recipe.train.precision == "mixed_bfloat16" else 1e-5
    examples = golden.choose(EXAMPLES, 5, 2)
    requests = span_answers_to(examples, tokenizer, model, recipe.task, 3, 5 * tolerance)
    assert len(requests) > (5 if recipe.train.precision == "mixed_bfloat16" else 12)
    assert replay(requests, answer, tolerance) <= tolerance


def test_answers_stand_where_they_say(made):
    recipe, *_, answer = made
    questions, contexts = zip(*EXAMPLES, strict=True)
    found = answer(questions, contexts)
    for row, context in enumerate(contexts):
        begins, ends = found["answer_begins"][row], found["answer_ends"][row]
        cut = [context[a:b] if a >= 0 else "" for a, b in zip(begins, ends, strict=True)]
        assert found["answers"][row].tolist() == cut
        assert (np.diff(found["scores"][row]) <= 0).all()
        own = found["answer"][row]
        assert own in ("", cut[0])
        assert own or recipe.task.impossible or not context
        assert (found["begin"][row] >= 0) == bool(own)
    # The last context has no words: what else could be said.
    assert found["answer"][-1] == ""
    assert found["score"][-1] == 1.0
    assert ("no_answer" in found) == recipe.task.impossible


def test_an_answer_does_not_depend_on_the_batch(made):
    recipe, *_, answer = made
    questions, contexts = zip(*EXAMPLES, strict=True)
    together = answer(questions, contexts)
    tolerance = 1e-2 if recipe.train.precision == "mixed_bfloat16" else 1e-5
    for row, example in enumerate(EXAMPLES):
        alone = answer(*([text] for text in example))
        np.testing.assert_allclose(alone["scores"][0], together["scores"][row], atol=tolerance)


def test_no_questions_and_no_row_is_too_many(made):
    *_, answer = made
    assert {name: len(values) for name, values in answer([], []).items()} == dict.fromkeys(
        answer(["lost?"], ["card"]), 0
    )


def test_servers_know_its_ops(made):
    *_, folder, _ = made
    assert serving_ops.report(folder)["tf_serving"] <= serving_ops.TARGET
