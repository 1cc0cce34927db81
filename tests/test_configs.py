"""Recipes: what is read is what was written, and every mistake is told in one line."""

import json
import os
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from configs import loading

RECIPES = sorted(Path("configs").glob("*/*.yaml"))
SMALL = """
name: small
data: {train: train.csv}
task: {kind: classify}
model: {kind: text_cnn}
"""
# Without the characters that JSON spells as a pair of escapes and YAML as one.
TEXTS = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]))
# Some keys of each type, with the values that they may take.
VALUES = {
    "work": TEXTS,
    "task.label": TEXTS,
    "tracking.uri": st.none() | TEXTS,
    "train.epochs": st.integers(1, 10**9),
    "train.learning_rate": st.floats(0, exclude_min=True, allow_infinity=False),
    "train.xla": st.booleans(),
    "model.widths": st.lists(st.integers(), min_size=1).map(tuple),
    "beam.options": st.lists(TEXTS).map(tuple),
    "task.class_weights": st.dictionaries(TEXTS, st.floats(-1e9, 1e9)),
}


def at(values, path):
    for key in path.split("."):
        values = values[key]
    return values


@pytest.mark.parametrize("path", RECIPES, ids=str)
def test_recipes_read_back_the_same_once_written_in_full(path):
    recipe = loading.load(path)
    assert loading.parse(loading.dump(recipe)) == recipe


@given(st.sampled_from(sorted(VALUES)).flatmap(lambda p: st.tuples(st.just(p), VALUES[p])))
def test_override_changes_its_own_key_alone_and_outlives_writing(override):
    path, value = override
    recipe = loading.parse(SMALL, [f"{path}={json.dumps(value)}"])
    values, before = recipe.model_dump(), loading.parse(SMALL).model_dump()
    assert at(values, path) == value
    parent, _, key = path.rpartition(".")
    for whole in (values, before):
        del (at(whole, parent) if parent else whole)[key]
    assert values == before
    assert loading.parse(loading.dump(recipe)) == recipe


@given(st.text() | st.text(alphabet="0123456789+-.eE_nultrfasyo~<= :#'\"\n", max_size=6))
def test_strings_are_written_so_that_they_read_back_as_strings(text):
    recipe = loading.parse(SMALL).model_copy(update={"work": text})
    written = loading.dump(recipe)
    assert loading.parse(written) == recipe
    # A reader of YAML 1.1 agrees.
    assert yaml.safe_load(written)["work"] == text


def test_overrides_reach_into_lists_and_unions_and_take_plain_globs():
    overrides = ["model.widths=[2, 3]", "model.widths.1=9", "train.optimizer.beta_1=0.5"]
    recipe = loading.parse(SMALL, [*overrides, "data.train=*.csv", "train.learning_rate=1e-4"])
    assert recipe.model.widths == (2, 9)
    assert recipe.train.optimizer.kind == "adam"
    assert recipe.train.optimizer.beta_1 == 0.5
    assert recipe.data.train == ("*.csv",)
    assert recipe.train.learning_rate == 1e-4


def test_labels_may_be_spelt_like_other_values():
    text = SMALL.replace("classify", "classify, class_weights: {no: 1, 0: 2, null: 3}")
    assert loading.parse(text).task.class_weights == {"no": 1, "0": 2, "null": 3}


MISTAKES = {
    "train.epoch=3": "train.epoch: unknown key; did you mean train.epochs?",
    "epochs=3": "epochs: unknown key; did you mean train.epochs?",
    "text.tokenizer.sise=9": (
        "text.tokenizer.sise: unknown key; did you mean text.tokenizer.size?"
    ),
    "train.optimizer.nesterov=true": (
        "train.optimizer.nesterov: unknown key; allowed here: kind, beta_1, beta_2, epsilon,"
        " weight_decay"
    ),
    "train.optimizer={kind: sgd, rho: 1}": (
        "train.optimizer.rho: unknown key; allowed here: kind, momentum, nesterov, weight_decay"
    ),
    "train.optimizer.kind=adan": (
        "train.optimizer.kind: should be one of 'adam', 'lamb', 'sgd', 'adadelta', got \"adan\""
    ),
    "task={text: a}": "task.kind: missing",
    "data={}": "data.train: missing",
    "train.epochs=true": "train.epochs: should be a valid integer, got true",
    "train.epochs=many": 'train.epochs: should be a valid integer, got "many"',
    "train.epochs=0": "train.epochs: should be greater than or equal to 1, got 0",
    "train.learning_rate=.inf": "train.learning_rate: should be a finite number, got Infinity",
    "data.valid=1.5": "data.valid: should be a list or should be less than 1, got 1.5",
    "model.widths=[3, x]": 'model.widths.1: should be a valid integer, got "x"',
    "evaluate=": "evaluate: should be a mapping, got null",
    "train.batch_size=null": (
        "train: set exactly one of batch_size and batch_tokens, the other to null"
    ),
}


@pytest.mark.parametrize(("override", "line"), MISTAKES.items(), ids=list(MISTAKES))
def test_mistake_is_told_with_path_and_remedy(override, line):
    with pytest.raises(loading.RecipeError) as caught:
        loading.parse(SMALL, [override], name="small.yaml")
    assert str(caught.value) == f"small.yaml: {line}"


def test_each_mistake_has_a_line():
    with pytest.raises(loading.RecipeError) as caught:
        loading.parse(SMALL, ["train.epoch=3", "seed=-1", "model.k=0"])
    assert len(str(caught.value).splitlines()) == 3


# Nine letters, each nine times the one before: 500 million values in 300 bytes.
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{letter}: &{letter} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, letter in pairwise("abcdefghi")
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\nname: a\nseed: 2\n", "r.yaml:3: key 'seed' stands here a second time"),
        ("name: a\ndata: [1\n", "r.yaml:3: expected ',' or ']'"),
        ("- a\n", "r.yaml: should be a mapping with keys such as name, data and task"),
        ("", "r.yaml: should be a mapping with keys such as name, data and task"),
        ("[a]: b\n", "r.yaml:1: a key should be a single word"),
        ("name: *a\n", "r.yaml:1: found undefined alias 'a'"),
        ("a: &a [*a]\n", "r.yaml:1: an alias stands inside of what it names"),
        ("a: " + "[" * 5_000, "r.yaml:1: nested deeper than 32 levels"),
        ("a:\n" + "- " * 5_000, "r.yaml:2: nested deeper than 32 levels"),
        (BOMB, "r.yaml:5: too large, counting each alias"),
        (f"a: &a {'x' * 9_999}\nb: [{'*a, ' * 999}]", "r.yaml:2: too large, counting each alias"),
        ("a: " + "9" * 5_000, "r.yaml:1: cannot be read as int"),
        ("a: b\nc: !!timestamp x", "r.yaml:2: cannot be read as timestamp"),
        ("a: !!python/name:os.system ''", "r.yaml:1: could not determine a constructor"),
        ('a: "\\UFFFFFFFF"', "r.yaml: an escape such as"),
        ("name: \x00\n", "r.yaml:1: unacceptable character U+0000"),
    ],
)
def test_file_that_is_no_recipe_is_told_by_line(text, message):
    with pytest.raises(loading.RecipeError) as caught:
        loading.parse(text, name="r.yaml")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("override", ["train.epochs", "=3", "train..epochs=3"])
def test_override_of_another_form_is_an_error(override):
    with pytest.raises(loading.RecipeError, match=r"should be key\.path=value"):
        loading.parse(SMALL, [override])


def test_list_index_out_of_range_is_an_error():
    with pytest.raises(loading.RecipeError, match="'3' is no index into a list of 1"):
        loading.parse(SMALL, ["data.columns=[a]", "data.columns.3=b"])


def test_aliases_are_as_good_as_copies():
    text = SMALL + "\ntrain: {epochs: &n 3, early_stopping: {patience: *n}}"
    assert loading.parse(text) == loading.parse(text.replace("&n ", "").replace("*n", "3"))


def test_of_very_many_mistakes_some_are_told():
    with pytest.raises(loading.RecipeError) as caught:
        loading.parse(SMALL, ["model.widths=[" + "x, " * 1_000 + "]"], name="r.yaml")
    lines = str(caught.value).splitlines()
    assert len(lines) == 51
    assert lines[49] == 'r.yaml: model.widths.49: should be a valid integer, got "x"'
    assert lines[50].endswith("more mistakes")


def test_file_that_cannot_be_read_is_told(tmp_path):
    def told(content: bytes) -> str:
        (tmp_path / "r.yaml").write_bytes(content)
        with pytest.raises(loading.RecipeError) as caught:
            loading.load(tmp_path / "r.yaml")
        return str(caught.value).removeprefix(f"{tmp_path}/r.yaml")

    assert told(SMALL.encode("utf-16")) == ":1: should be UTF-8 text, got byte 0xff"
    assert told(b"name: a\nwork: caf\xe9\n") == ":2: should be UTF-8 text, got byte 0xe9"
    assert told(b"# " * 500_001) == ": larger than 1,000,000 bytes, which no recipe is"
    os.mkfifo(tmp_path / "pipe")
    for name, said in (("none", "No such file"), ("", "Is a directory"), ("pipe", "got a pipe")):
        with pytest.raises(loading.RecipeError, match=said):
            loading.load(tmp_path / name)


def test_a_byte_order_mark_is_no_part_of_a_recipe(tmp_path):
    (tmp_path / "r.yaml").write_text(SMALL, encoding="utf-8-sig")
    assert loading.load(tmp_path / "r.yaml") == loading.parse(SMALL)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("task: {kind: tag}\nmodel: {kind: text_cnn}", "tag and span with rnn"),
        ("task: {kind: classify}\nmodel: {kind: elmo}", "does not learn a task of kind 'classify'"),
        ("task: {kind: language_model}\nmodel: {kind: lstm}", "language_model goes with elmo"),
        (
            "task: {kind: masked_language_model}\nmodel: {kind: lstm}",
            "masked_language_model with bert",
        ),
        (
            "task: {kind: masked_language_model}\ntext: {max_length: 7}\nmodel: {kind: bert}",
            "two texts, got 7: set 8 at least",
        ),
        (
            "task: {kind: language_model}\nmodel: {kind: elmo}\ntrain: {batch_ramp: {}}",
            "keeps the state of each row",
        ),
        (
            "task: {kind: classify}\nmodel: {kind: gru}\ntrain: {batch_ramp: {}, xla: true}",
            "would fill up to the full size",
        ),
        ("task: {kind: classify}\nmodel: {kind: gru, projection: 8}", "projection belongs to kind"),
        *(
            (
                f"task: {{kind: classify}}\ntext: {{max_length: 20}}\nmodel: {{kind: bert, {it}}}",
                say,
            )
            for it, say in {
                "size: tiny, layers: 3": "size 'tiny' is layers 2, width 128, heads 2: leave it",
                "width: 65, heads: 2": "2 heads cannot share a width of 65 evenly",
                "positions: 19": "max_length 20 is more than model.positions 19",
            }.items()
        ),
        (
            "task: {kind: classify}\ntext: {max_length: 2}\nmodel: {kind: bert}",
            "holds .CLS. and, of a pair, two .SEP., got 2: set 3 at least",
        ),
        (
            "task: {kind: classify, second: b}\n"
            "model: {kind: gru, pairs: {compare: attention}, pooling: {kind: last}}",
            "no state is the last one",
        ),
        (
            "task: {kind: classify}\nmodel: {kind: gru, embedding: {elmo: runs/x}}\n"
            "text: {tokenizer: {kind: wordpiece}}",
            "text.tokenizer.kind must be 'word'",
        ),
    ],
)
def test_what_does_not_go_together_is_said(settings, said):
    with pytest.raises(loading.RecipeError, match=said):
        loading.parse(f"name: x\ndata: {{train: a}}\n{settings}", [])


@pytest.mark.parametrize(
    ("said", "sizes"),
    [
        ("", (4, 256, 4)),
        ("size: base", (12, 768, 12)),
        ("size: tiny, layers: 2", (2, 128, 2)),
        ("layers: 6, width: 384", (6, 384, 6)),
        ("width: 8", (4, 8, 1)),
        ("width: 384, heads: 12", (4, 384, 12)),
    ],
)
def test_sizes_of_a_bert(said, sizes):
    text = f"name: x\ndata: {{train: a}}\ntask: {{kind: classify}}\nmodel: {{kind: bert, {said}}}"
    model = loading.parse(text, []).model
    assert (model.layers, model.width, model.heads) == sizes
    recipe = loading.parse(text, [])
    assert loading.parse(loading.dump(recipe), []) == recipe
