"""What an exported gpt writes, against `textmill generate`'s parts and against its chances."""

from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from small_models import WORDS

from configs import loading
from pipeline.build import build_model
from pipeline.cached_reading import CachedReader
from pipeline.generation import Generator, Sampling, continued
from pipeline.publishing import serving_ops
from pipeline.publishing.language_signatures import language_servable
from pipeline.publishing.written_texts import GREEDY, chosen
from pipeline.text import detokenizing, vocabulary
from pipeline.text.tokenizers import Tokenizer

pytestmark = pytest.mark.slow

RECIPE = """
name: x
data: {train: a}
text: {max_length: 7, tokenizer: {kind: word, size: 40}}
task: {kind: language_model}
model: {kind: gpt, layers: 2, width: 8, heads: 2, context: 8, layout: gpt2}
"""
TEXTS = ["my card", "", "where is the card ? pay my card lost card", "lost  ", "x"]
COUNTS = Counter({word: 3 + n for n, word in enumerate(WORDS)})
KINDS = {
    "word": [],
    "wordpiece": ["text.tokenizer={kind: wordpiece, size: 60, min_count: 1}"],
    "unigram": ["text.tokenizer={kind: sentencepiece, size: 40}"],
    "bpe": ["text.tokenizer={kind: sentencepiece, size: 40, algorithm: bpe}"],
    "character": ["text.tokenizer={kind: character}"],
}


def made(*settings):
    recipe = loading.parse(RECIPE, list(settings))
    learned = vocabulary.learn(COUNTS, recipe.text.tokenizer)
    tokenizer = Tokenizer(recipe.text, learned)
    model = build_model(recipe, tokenizer.vocabulary, 1)
    random = np.random.default_rng(7)
    for weight in model.trainable_weights:
        start = 1.0 if "gamma" in weight.path else 0.0
        weight.assign(start + random.normal(size=weight.shape, scale=0.7))
    return recipe, tokenizer, model


def exported(folder, recipe, tokenizer, model):
    language_servable(tokenizer, model, recipe.task, False, 3).save(folder)
    return tf.saved_model.load(str(folder))


def ask(loaded, texts, tokens=12, **how):
    given = {**GREEDY, "tokens": tokens} | how
    rows = {name: tf.fill([len(texts)], value) for name, value in given.items()}
    found = loaded.signatures["generate"](text=tf.constant(texts, tf.string), **rows)
    return {name: value.numpy() for name, value in found.items()}


@pytest.mark.parametrize(
    ("kind", "carry"), [*((kind, "document") for kind in KINDS), ("bpe", "stream")]
)
def test_greedy_it_writes_what_the_command_does(kind, carry, tmp_path):
    recipe, tokenizer, model = made(*KINDS[kind], f"task.carry={carry}")
    found = ask(exported(tmp_path, recipe, tokenizer, model), TEXTS)
    document = carry == "document"
    never = tokenizer.unwritten | {tokenizer.unknown_id}
    sampler = Sampling(0.0).sampler(tokenizer.vocabulary_size)
    stop = tokenizer.end_id if document else None
    generator = Generator(CachedReader(model, never), sampler, stop)
    before = tokenizer.start_id if document else tokenizer.end_id
    longest = 0
    for row, text in enumerate(TEXTS):
        begun = [before, *tokenizer.all_ids([text]).values.numpy().tolist()]
        written = generator(begun, 12)
        number = found["written"][row]
        spelled = [token.decode() for token in found["tokens"][row]]
        assert spelled[:number] == [tokenizer.vocabulary[token] for token in written]
        assert not any(spelled[number:])
        longest = max(longest, number)
        if kind in ("unigram", "bpe"):
            expected = text.rstrip() + continued(tokenizer, begun[1:], written)
            assert found["text"][row].decode() == expected
    assert longest == 12  # past the context


def test_texts_have_single_spaces_and_lines():
    _, tokenizer, _ = made()
    ids = tokenizer.all_ids(["my card", "lost", ""])
    end = tokenizer.end_id
    card, pay = (tokenizer.vocabulary.index(word) for word in ("card", "pay"))
    written = tf.ragged.constant([[pay, end, card], [end], [card]], dtype=tf.int32)
    found = detokenizing.continued(tokenizer, tf.constant(["my card ", "Lost", ""]), ids, written)
    assert [text.decode() for text in found.numpy()] == ["my card pay\ncard", "Lost\n", "card"]


def test_rows_are_answered_by_themselves(tmp_path):
    loaded = exported(tmp_path, *made())
    how = {"temperature": 2.0, "top_k": 9, "top_p": 0.9, "seed": 4}
    together = ask(loaded, TEXTS, **how)
    for row, text in enumerate(TEXTS):
        alone = ask(loaded, [text], **how)
        assert alone["text"][0] == together["text"][row]
    other = ask(loaded, TEXTS, **{**how, "seed": 5})
    assert (other["text"] != together["text"]).any()


def test_how_many_tokens_is_each_rows_own(tmp_path):
    loaded = exported(tmp_path, *made("task.carry=stream"))
    rows = {name: tf.fill([3], value) for name, value in GREEDY.items()}
    asked = loaded.signatures["generate"](
        text=tf.constant(["my card"] * 3), tokens=tf.constant([3, 0, 11]), **rows
    )
    assert asked["written"].numpy().tolist() == [3, 0, 11]
    assert asked["tokens"].shape == (3, 11)
    assert (asked["tokens"][0, :3] == asked["tokens"][2, :3]).numpy().all()
    assert asked["text"][1] == "my card"


def test_no_texts_have_no_answers_and_every_server_knows_the_ops(tmp_path):
    loaded = exported(tmp_path, *made(*KINDS["bpe"]))
    assert ask(loaded, [])["text"].shape == (0,)
    assert serving_ops.report(tmp_path)["tf_serving"] == serving_ops.OLDEST


def filtered(p, temperature, top_k, top_p):
    """Word after word from the likeliest down, until there are enough."""
    p = p ** (1 / temperature) / (p ** (1 / temperature)).sum()
    kept, total = np.zeros_like(p), 0.0
    for rank, word in enumerate(np.argsort(-p)):
        if (not top_k or rank < top_k) and total < top_p:
            kept[word] = p[word]
        total += p[word]
    return kept / kept.sum()


@pytest.mark.parametrize(
    "how", [(1.0, 0, 1.0), (0.7, 0, 1.0), (1.0, 4, 1.0), (3.0, 0, 0.8), (3.0, 5, 0.9)], ids=str
)
def test_tokens_are_drawn_by_their_chances(how):
    random, rows = np.random.default_rng(5), 4000
    p = random.dirichlet(np.full(12, 0.5))
    expected = filtered(p, *how)
    scores = tf.constant(np.tile(np.log(p), (rows, 1)), tf.float32)
    settings = [tf.fill([rows], tf.constant(value)) for value in how]
    u = tf.constant(random.random(rows), tf.float32)
    drawn = np.bincount(chosen(scores, *settings, u).numpy(), minlength=12)
    possible = expected > 0
    assert not drawn[~possible].any()
    enough = possible & (rows * expected > 5)
    others = rows - drawn[enough].sum(), rows * (1 - expected[enough].sum())
    observed, wanted = [*drawn[enough], others[0] + 1], [*(rows * expected[enough]), others[1] + 1]
    assert stats.chisquare(observed, wanted).pvalue > 0.01


def test_what_cannot_be_meant_is_an_error(tmp_path):
    loaded = exported(tmp_path, *made())
    wrong = {"tokens": [-1, 10_001], "temperature": [-1.0, np.nan], "top_k": [-1], "top_p": [1.5]}
    for name, values in wrong.items():
        for value in values:
            with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name}: every value has to"):
                ask(loaded, ["my card"], **{name: value})
