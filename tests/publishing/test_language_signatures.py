"""An exported language model against evaluation, which reads documents in another way."""

import numpy as np
import pytest
import tensorflow as tf
from language_model_kinds import WORDS, model

from configs.data import Text
from configs.tasks import LanguageModel
from pipeline.publishing.golden_language import language_answers
from pipeline.publishing.language_signatures import language_servable
from pipeline.publishing.verify import replay
from pipeline.text.tokenizers import Tokenizer
from pipeline.text.vocabulary import from_tokens

TASK = LanguageModel(kind="language_model")
TEXTS = ["a b c", "", "d", "h g unknown e d c b a a b", "a b"]


@pytest.fixture(scope="module")
def served():
    net = model()
    tokenizer = Tokenizer(Text(max_length=8), from_tokens(WORDS))
    return net, language_servable(tokenizer, net, TASK, False, 5)


def test_scores_are_those_of_evaluation(served):
    net, functions = served
    assert sorted(functions.functions) == ["serving_default", "vectors"]
    requests = language_answers([(text,) for text in TEXTS], functions.inputs, net, TASK, False)
    assert [request["outputs"]["words"] for request in requests] == [4, 1, 2, 9, 3]

    def answer(texts):
        found = functions.functions["serving_default"](tf.constant(list(texts)))
        return {name: value.numpy() for name, value in found.items()}

    assert replay(requests, answer, 1e-5) < 1e-5


def test_vectors_do_not_depend_on_the_batch(served, tmp_path):
    _, functions = served
    functions.save(tmp_path)
    vectors = tf.saved_model.load(str(tmp_path)).signatures["vectors"]
    together = vectors(text=tf.constant(TEXTS))
    assert together["vectors"].shape == (5, 8, 3, 10)
    assert together["words"].numpy().tolist() == [3, 0, 1, 8, 2]
    for row, text in enumerate(TEXTS):
        alone = vectors(text=tf.constant([text]))["vectors"][0]
        length = alone.shape[0]
        np.testing.assert_allclose(together["vectors"][row, :length], alone, atol=1e-6)
        assert not together["vectors"][row, length:].numpy().any()
