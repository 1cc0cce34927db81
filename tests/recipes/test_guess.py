"""What `new` takes columns of labels for, by values as files have them."""

import json
import math

import pytest

from configs import loading
from configs.data import Data
from configs.loading import RecipeError
from configs.tasks import Tag
from pipeline.prepare.checks import checker
from pipeline.recipes import guess, new

COLUMNS = {"text": "text", "label": "label"}
SPELLED = {
    "bilou": (["B-per", "L-per", "O", "U-loc"], "bioes", None),
    "bmewo": (["B-per", "E-per", "O", "W-loc"], "bioes", None),
    "underscores": (
        ["B_per", "I_per", "O", "B_loc"],
        "bio",
        {"B_per": "B-per", "I_per": "I-per", "B_loc": "B-loc"},
    ),
    "after": (
        ["per-B", "per-L", "O", "loc-U"],
        "bioes",
        {"per-B": "B-per", "per-L": "L-per", "loc-U": "U-loc"},
    ),
    "letters": (["B", "I", "O", "B"], "bio", {"B": "B-span", "I": "I-span"}),
}


def guessed(seen, kind=None, lists=False):
    return guess.task(kind, COLUMNS, lists, seen, False)


@pytest.mark.parametrize("spelled", SPELLED)
def test_tags_in_the_letters_of_other_programs(spelled):
    tags, scheme, names = SPELLED[spelled]
    task, _ = guessed([tags] * 9, lists=True)
    assert (task.scheme, task.label_names) == (scheme, names)
    checked = checker(task, ())({"text": list("wxyz"), "label": tags})
    bioes = checker(task.model_copy(update={"scheme": "bioes"}), ())
    assert bioes({"text": list("wxyz"), "label": tags}).label[::2] == (
        "B-span" if spelled == "letters" else "B-per",
        "O",
    )
    assert len(checked.label) == 4


def test_a_few_tags_that_spell_no_spans_do_not_make_all_of_them_plain(caplog):
    task, why = guessed([["B-per", "I-per", "O"]] * 9 + [["MISC", "O", "O"]], lists=True)
    assert task.scheme == "bio"
    assert "MISC" in why
    assert "MISC" in caplog.text


def test_tags_that_are_numbers_want_names(caplog):
    task, why = guessed([[1, 2, 0]] * 9, lists=True)
    assert task.scheme == "plain"
    assert "label_names: [O, B-PER, I-PER, ...]" in why
    assert "label_names" in caplog.text


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (["['a', 'b']", "['b']", "[]"] * 9, "multilabel"),
        ([0.0, 1.0, math.nan] * 9, "classify"),
        ([",".join(str(k) for k in range(5) if i >> k & 1) for i in range(1, 32)], "multilabel"),
        ([["a"], None, ["b", "c"]] * 9, "multilabel"),
        (["card", "card|fee", "fee", "fee|top", "top"] * 9, "multilabel"),
        (["card|fee", "cash|limit", "card|limit"] * 9, "classify"),  # names of two parts
        (["bread, white", "bread", "milk", "milk, bread", "white"] * 9, "classify"),
    ],
)
def test_kinds(seen, kind):
    assert guessed(seen)[0].kind == kind


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (["3,14", "2,5", "4"] * 9, "numbers with a decimal comma, or two labels"),
        ([[0.25, 0.5]] * 9, "lists of numbers with fractions"),
        (["[0.25, 0.5]"] * 9, "lists of numbers with fractions"),
        ([[0, 1, 1], [1, 0, 0]] * 9, "lists of 0 and 1, a place for each label"),
    ],
)
def test_values_that_may_be_two_things_are_asked_about(seen, said):
    with pytest.raises(RecipeError, match=said):
        guessed(seen)
    assert guessed(seen, "multilabel")[0].kind == "multilabel"


def test_a_decimal_comma_of_numbers():
    task, _ = guessed(["3,14", "2,5", "4"] * 9, "regress")
    assert task.decimal == ","
    assert guessed(["3.14", "2.5", "4"] * 9, "regress")[0].decimal == "."


def test_the_recipe_says_all_of_it(tmp_path, caplog):
    path = tmp_path / "a.jsonl"
    rows = [{"text": list("xyz"), "label": tags} for tags in (["B", "I", "O"], ["O", "O", "B"])]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows * 9), encoding="utf-8")
    recipe = loading.parse(new.recipe(Data(train=str(path), test=None), "text", "label"))
    assert isinstance(recipe.task, Tag)
    assert recipe.task.label_names == {"B": "B-span", "I": "I-span"}

    rows = [{"text": f"text {i}", "label": ["Yes", "yes", "no"][i % 3]} for i in range(30)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    text = new.recipe(Data(train=str(path), test=None), "text", "label")
    assert "'Yes' (10 times) and 'yes' (10 times)" in text
    assert "'Yes' (10 times) and 'yes' (10 times)" in caplog.text
