"""What a report shows of attention, of models whose weights are known beforehand."""

from html.parser import HTMLParser
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from configs.data import Text, WordTokenizer
from pipeline.data import Sequences, Split
from pipeline.evaluation import attention_maps, attention_page, pictures
from pipeline.evaluation.judge import Answers
from pipeline.page import picture
from pipeline.text import tokenizers, vocabulary

TEXTS = ["one two two", "unseen", "three", "one two", "two three one", "three three", "two"]
SECOND = ["two one", "one", " ".join(["one two three"] * 10), "two", "one two", "", "three"]
CORRECT = [False, True, True, False, True, True, True]
WORDS = {"one": 1, "two": 2, "three": 3}  # how much a model here looks at them; at others 4


@pytest.fixture(scope="module")
def trained():
    """Gives a model a tokenizer that knows three words."""
    settings = Text()
    tokenizer = tokenizers.Tokenizer(settings, vocabulary.learn(WORDS, WordTokenizer(kind="word")))
    return lambda model: SimpleNamespace(model=model, tokenizer=tokenizer)


def sequences(texts, tokenizer):
    ids = tokenizer.ids(texts).to_list()
    values = np.array([i for row in ids for i in row], np.int32)
    return Sequences(values, np.cumsum([0, *map(len, ids)]))


@pytest.fixture
def split(trained):
    tokenizer = trained(None).tokenizer
    inputs = {"ids": sequences(TEXTS, tokenizer), "second_ids": sequences(SECOND, tokenizer)}
    number = len(TEXTS)
    return Split(inputs, np.zeros(number), TEXTS, {}, np.ones(number, np.float32), SECOND)


@pytest.fixture
def answers():
    wrong = np.where(CORRECT, 0.0, np.arange(len(CORRECT)) + 1)
    predicted = ["yes" if correct else "no" for correct in CORRECT]
    nothing = np.empty((len(CORRECT), 0))
    return Answers(["yes"] * len(CORRECT), predicted, nothing, np.array(CORRECT), wrong, nothing)


def looks(tokenizer):
    """(V,) how much is looked at a token."""
    return np.array([WORDS.get(word, 4) for word in tokenizer.vocabulary], np.float32)


def model_of_texts(tokenizer):
    """Two hops: in proportion to how much is looked at a token, and at all tokens alike."""
    ids = keras.Input((None,), dtype="int32", name="ids")
    mask = ops.cast(ids != 0, "float32")
    first = ops.take(ops.convert_to_tensor(looks(tokenizer)), ids) * mask
    both = ops.stack([first, mask], axis=1)
    attention = both / ops.maximum(ops.sum(both, axis=-1, keepdims=True), 1)
    return keras.Model({"ids": ids}, {"logits": first[:, :1], "attention": attention})


def model_of_pairs(tokenizer):
    """Each token looks at all tokens of the other text, in proportion."""
    first, second = (keras.Input((None,), dtype="int32", name=f"{p}ids") for p in ("", "second_"))
    at = ops.convert_to_tensor(looks(tokenizer))

    def from_to(ours, theirs):
        there = (ops.take(at, theirs) * ops.cast(theirs != 0, "float32"))[:, None]
        weights = there / ops.maximum(ops.sum(there, axis=-1, keepdims=True), 1)
        return weights * ops.cast(ours != 0, "float32")[..., None]

    outputs = {"alignment": from_to(first, second), "second_alignment": from_to(second, first)}
    logits = ops.cast(first[:, :1], "float32")
    return keras.Model({"ids": first, "second_ids": second}, {"logits": logits, **outputs})


def weights(text):
    found = np.array([WORDS.get(word, 4) for word in text.split()], float)
    return (found / found.sum()).round(4).tolist()


def test_the_worst_mistakes_then_right_answers(trained, split, answers):
    case = trained(model_of_texts(trained(None).tokenizer))
    found = attention_maps.look(case, split, answers, 20, seed=1)
    assert [entry["text"] for entry in found[:2]] == [TEXTS[3], TEXTS[0]]
    assert [entry["mistake"] for entry in found] == [True] * 2 + [False] * 4
    right = {text for text, correct in zip(TEXTS, CORRECT, strict=True) if correct}
    drawn = [entry["text"] for entry in found[2:]]
    assert len(set(drawn)) == 4
    assert set(drawn) <= right
    assert attention_maps.look(case, split, answers, 20, seed=1) == found
    others = [attention_maps.look(case, split, answers, 0, seed) for seed in range(5)]
    assert any([entry["text"] for entry in other] != drawn for other in others)
    assert all(not entry["mistake"] for other in others for entry in other)


def test_weights_are_those_of_the_tokens_without_padding(trained, split, answers):
    found = attention_maps.look(
        trained(model_of_texts(trained(None).tokenizer)), split, answers, 20, seed=1
    )
    for entry in found:
        assert entry["tokens"] == entry["text"].split()  # the unknown one as it is spelled
        number = len(entry["tokens"])
        proportional, alike = entry["attention"]
        assert proportional == pytest.approx(weights(entry["text"]), abs=1e-4)
        assert alike == pytest.approx([1 / number] * number, abs=1e-4)
        assert "picture" not in entry


def test_alignments_of_a_pair(trained, split, answers):
    found = attention_maps.look(
        trained(model_of_pairs(trained(None).tokenizer)), split, answers, 20, seed=1
    )
    shown = {entry["text"]: entry for entry in found}
    short, second = shown["one two two"], dict(zip(TEXTS, SECOND, strict=True))
    assert short["alignment"] == [pytest.approx(weights("two one"), abs=1e-4)] * 3
    assert short["second_alignment"] == [pytest.approx(weights("one two two"), abs=1e-4)] * 2
    for text, entry in shown.items():
        assert entry["second_tokens"] == second[text].split()
        shape = min(len(entry["tokens"]), 25), min(len(entry["second_tokens"]), 25)
        assert np.shape(entry["alignment"])[: 1 + bool(shape[1])] == shape[: 1 + bool(shape[1])]
        assert ("picture" in entry) == bool(second[text])
        assert "attention" not in entry
    names = [entry["picture"] for entry in found if "picture" in entry]
    assert len(set(names)) == len(names)


def test_a_model_without_attention_has_nothing_to_show(trained, split, answers):
    ids = keras.Input((None,), dtype="int32", name="ids")
    model = keras.Model({"ids": ids}, {"logits": ops.cast(ids, "float32")})
    assert attention_maps.look(trained(model), split, answers, 20, seed=1) == []
    assert attention_page.write({"task": "classify", "attention": []}, {}) == ""


def test_numbers_are_right_when_nearer_than_most():
    wrong = np.array([0.1, 5.0, 0.2, 3.0, 0.3, 4.0])
    none = np.empty((6, 0))
    answers = Answers([0.0] * 6, [0.0] * 6, none, np.empty(0, bool), wrong, none)
    assert sorted(attention_maps.right(answers, seed=1).tolist()) == [0, 2, 4]


def entry(text, attention, **more):
    tokens = {"text": text, "tokens": text.split(), "mistake": True}
    return {**tokens, "label": "yes", "predicted": "no", "attention": attention, **more}


class Shaded(HTMLParser):
    """(token, weight as it is said, how dark) of the tokens, and links."""

    def __init__(self, page):
        super().__init__()
        self.tokens, self.links, self.open = [], [], {}
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.open = dict(attributes)
        self.links += [value for name, value in attributes if name == "href"]

    def handle_endtag(self, tag):
        self.open = {}

    def handle_data(self, data):
        if "title" in self.open:
            style = self.open.get("style", "rgba(,,,0)")
            dark = float(style.split("rgba(")[1].split(")")[0].split(",")[3])
            self.tokens.append((data, self.open["title"], dark))


def test_each_token_is_shaded_by_its_weight():
    many = " ".join(["a", "<b>", *"cdefghijklmnopqrst"])  # 20 tokens: an even share is 0.05
    rest = [0.01] * 14 + [0.03] * 2
    weights = [[0.1, 0.4, 0.2, 0.05, *rest[:-2], 0.11, 0.0], [0] * 19 + [1.0]]
    page = attention_page.write({"task": "classify", "attention": [entry(many, weights)]}, {})
    found = Shaded(page)
    legend, tokens = found.tokens[:4], found.tokens[4:]
    dark = {token.replace("\xa0", " "): each for token, _, each in legend}
    assert list(dark) == ["2 times", "4 times", "8 times", "16 times"]
    assert sorted(dark.values()) == list(dark.values())
    assert dark["16 times"] < 1  # the token can still be read
    assert [token for token, _, _ in tokens] == many.split() * 2
    assert [float(said) for _, said, _ in tokens] == pytest.approx(
        [*weights[0], *weights[1]], abs=5e-4
    )
    shades = [each for _, _, each in tokens]
    assert shades[:4] == [dark["2 times"], dark["8 times"], dark["4 times"], 0]
    assert set(shades[4:18]) == {0}
    assert shades[-1] == dark["16 times"]  # and not more
    assert found.links == ["https://arxiv.org/abs/1902.10186", "https://arxiv.org/abs/1908.04626"]
    assert "hop 2" in page
    assert "Worst mistakes" in page
    assert "Right answers" not in page


def test_a_pair_has_both_texts_and_its_picture():
    pair = entry("a b", [[0.4, 0.6]], second_text="c", second_tokens=["c"], picture="alignment_1")
    pair |= {"second_attention": [[1.0]], "alignment": [[1.0], [1.0]], "mistake": False}
    report = {"task": "regress", "attention": [pair | {"label": 4.5, "predicted": 2.25}]}
    page = attention_page.write(report, {"alignment_1": "<svg here>"})
    tokens = [token[:2] for token in Shaded(page).tokens[4:]]
    assert tokens == [("a", "0.400"), ("b", "0.600"), ("c", "1.000")]
    assert "first:" in page
    assert "second:" in page
    assert page.count("<svg here>") == 1
    assert "nearer than most" in page
    assert "4.5" in page
    assert "2.25" in page


def test_picture_has_the_weights_and_the_tokens():
    tokens, others = ["$a$", "b", *"cdefg"], [f"word{i}" for i in range(30)]
    random = np.random.default_rng(0)
    first, second = random.random((7, 25)), random.random((25, 7))
    figures = pictures.alignments(
        {
            "tokens": tokens,
            "second_tokens": others,
            "alignment": first.tolist(),
            "second_alignment": second.tolist(),
        }
    )
    written = [picture(figure) for figure in figures]
    left, right = (figure.axes[0] for figure in figures)
    for axis, expected in ((left, first), (right, second.T)):
        np.testing.assert_allclose(axis.images[0].get_array(), expected)
        assert [label.get_text() for label in axis.get_yticklabels()] == tokens
        assert [label.get_text() for label in axis.get_xticklabels()] == others[:25]
        assert not any(label.get_parse_math() for label in axis.get_yticklabels())
        assert axis.get_xlabel() == "second text, 25 of 30 tokens"
        assert axis.get_ylabel() == "first text"
    assert left.images[0].get_clim() == right.images[0].get_clim()
    assert all(">$a$</text>" in text for text in written)
