"""Small models with random weights and a small vocabulary, made without any data."""

import tensorflow as tf

from configs import loading
from pipeline.build import build_model
from pipeline.text.special import SPECIAL
from pipeline.text.tokenizers import Tokenizer
from pipeline.text.vocabulary import from_tokens

WORDS = ["card", "lost", "my", "where", "is", "the", "a", "köln", "?", "pay", "##s", "l", "##o"]
LSTM = "{kind: lstm, embedding: {width: 6}, units: 5}"
CNN = "{kind: text_cnn, embedding: {width: 6}, filters: 4}"
SPELLED = "embedding: {width: 6, characters: {width: 4, filters: [[1, 3], [3, 4]]}}"
SPELLED_LSTM, SPELLED_CNN = (
    model.replace("embedding: {width: 6}", SPELLED) for model in (LSTM, CNN)
)


def small(task, model, labels, *settings):
    """The recipe, its tokenizer and its model, whose weights are large enough to answer apart."""
    text = (
        f"{{name: x, data: {{train: a}}, text: {{max_length: 20}}, task: {task}, model: {model}}}"
    )
    recipe = loading.parse(text, list(settings))
    tokenizer = Tokenizer(recipe.text, from_tokens([*SPECIAL, *WORDS]))
    built = build_model(recipe, tokenizer.vocabulary, max(1, len(labels)))
    random = tf.random.Generator.from_seed(7)
    for weight in built.trainable_weights:
        weight.assign(random.normal(weight.shape, stddev=0.7 if len(weight.shape) > 1 else 0.2))
    return recipe, tokenizer, built
