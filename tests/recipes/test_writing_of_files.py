"""How someone's files are written is found and said in the recipe; too many lost rows stop it."""

import pytest

from configs import loading
from configs.data import Data
from configs.loading import RecipeError
from pipeline.recipes.new import recipe

ROWS = [("Der Käse schmeckt schön", "gut"), ("Das Brot über alles", "gut"), ("Nein", "schlecht")]


def written(path, content, **settings):
    path.write_bytes(content)
    data = Data.model_validate({"train": (str(path),), **settings})
    return loading.parse(recipe(data, "text", "label"), name="new").data


def lines(delimiter, quote=""):
    rows = [
        ("text", "label"),
        *((f"{quote}{text} {n}{quote}", x) for n in range(9) for text, x in ROWS),
    ]
    return "".join(f"{text}{delimiter}{label}\n" for text, label in rows)


def test_an_encoding_is_found(tmp_path):
    assert written(tmp_path / "a.csv", lines(",").encode("cp1252")).encoding == "cp1252"
    assert written(tmp_path / "a.csv", lines(",").encode()).encoding == "utf-8"


@pytest.mark.parametrize("delimiter", [";", "|", "\t"])
def test_a_delimiter_is_found(delimiter, tmp_path):
    assert written(tmp_path / "a.csv", lines(delimiter).encode()).delimiter == delimiter


@pytest.mark.parametrize(("quote", "quoting"), [('"', "double"), ("", None)])
def test_quotes_of_a_tsv_are_found(quote, quoting, tmp_path):
    assert written(tmp_path / "a.tsv", lines("\t", quote).encode()).quoting == quoting


def test_more_than_a_twentieth_lost_has_to_be_said(tmp_path):
    content = (lines(",") + "no label,\n" * 9).encode()
    with pytest.raises(
        RecipeError, match=r"25.0% of the rows .*\n  9 with missing label, as .*:29"
    ):
        written(tmp_path / "a.csv", content)
    with pytest.raises(RecipeError, match=r"(?s)25.0% .* more than 0%, .*--max-bad 0.26$"):
        written(tmp_path / "a.csv", content, max_bad=0.0)
    assert written(tmp_path / "a.csv", content, max_bad=0.3).max_bad == 0.3
