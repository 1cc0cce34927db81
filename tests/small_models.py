"""Small models with random weights and a small vocabulary, made and exported without any data."""

import json

import tensorflow as tf

from configs import loading
from pipeline import artifacts
from pipeline.build import build_model
from pipeline.publishing import golden, warm_up
from pipeline.publishing.golden_language import language_answers, next_answers
from pipeline.publishing.golden_tags import tag_answers
from pipeline.publishing.language_signatures import language_servable
from pipeline.publishing.signatures import servable
from pipeline.publishing.tag_signatures import tag_servable
from pipeline.publishing.verify import GOLDEN
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
BERT = "{kind: bert, layers: 2, width: 8, heads: 2, inner: 12, positions: 24}"
AWD_LSTM = "{kind: awd_lstm, width: 6, units: 5, layers: 2}"
LABELS = ["B-loc", "I-loc", "O"]
EXPORTED = {
    "pair": ("{kind: classify, second: b}", LSTM.replace("lstm", "gru")),
    "spelled": ("{kind: classify}", SPELLED_CNN),
    "tags": ("{kind: tag, decoder: crf}", SPELLED_LSTM),
    "bert": ("{kind: classify, second: b}", BERT),
    "language": ("{kind: language_model}", AWD_LSTM),
}


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
        drawn = random.normal(weight.shape, stddev=0.7 if len(weight.shape) > 1 else 0.2)
        weight.assign(drawn + float(weight.name == "gamma"))  # of a norm
    return recipe, tokenizer, built


def exported(models, kind):
    """Version 1 of a model of EXPORTED, with what servers and `verify` need, in `models/kind`."""
    recipe, tokenizer, model = small(*EXPORTED[kind], LABELS)
    if kind == "tags":
        served = tag_servable(tokenizer, model, LABELS, recipe.task)
    elif kind == "language":
        served = language_servable(tokenizer, model, recipe.task, False, 2)
    else:
        pair = recipe.task.second is not None
        served = servable(tokenizer, model, LABELS, recipe.task.kind, 2, pair)
    inputs, width = served.inputs, len(served.inputs.texts)
    examples = golden.choose([("my card", "lost")[:width]], 1, width)
    if kind == "tags":
        requests = tag_answers(examples, inputs, model, LABELS, recipe.task, 1e-3)
    elif kind == "language":
        requests = language_answers(examples, inputs, model, recipe.task, False)
        requests += next_answers(examples, tokenizer, model, recipe.task, 2)
    else:
        requests = golden.answers(examples, inputs, model, LABELS, recipe.task.kind, 2)
    facts = {"name": kind, "version": 1, "precision": "float32"}
    with artifacts.publish(models / kind / "1", "mark", facts) as folder:
        served.save(folder)
        warm_up.write(folder, kind, served.functions, examples, inputs)
        (folder / GOLDEN).write_text("".join(json.dumps(r) + "\n" for r in requests))
    return models / kind / "1"
