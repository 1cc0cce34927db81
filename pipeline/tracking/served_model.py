"""The exported SavedModel as an MLflow model that answers raw strings.

MLflow keeps a copy of this file beside the model and runs it wherever the model is loaded, so it
imports nothing of textmill: tensorflow and tensorflow_text are enough.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from mlflow.models import ModelConfig, set_model
from mlflow.pyfunc import PythonModel

# An output in which -1 says that a row has ended -> the outputs that end with it.
ROWS = {
    "begins": ("words", "begins", "ends", "tags", "scores"),
    "span_begins": ("span_labels", "span_begins", "span_ends"),
}


class Texts(PythonModel):
    """Args: columns, the names of the model's inputs: text, and of pairs second."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = list(columns)

    def load_context(self, context: Any) -> None:
        import tensorflow as tf
        import tensorflow_text  # noqa: F401  (registers the tokenizer's ops)

        loaded = tf.saved_model.load(context.artifacts["export"])
        self.answer = loaded.signatures["serving_default"]
        self.loaded = loaded  # the signature does not keep its model alive

    # A type that MLflow does not convert to: for list[str] it would take the first column of a
    # table, whatever its name.
    def predict(self, context: Any, model_input: pd.DataFrame) -> list[dict[str, Any]]:  # type: ignore[override]
        """One dict a text or pair, with the outputs of `serving_default`, without padding.

        Args: model_input, a table with the columns by name, as a DataFrame, a dict of lists or a
            list of dicts; of a model with one column a list of strings, too.
        """
        import tensorflow as tf

        given = {
            name: tf.constant(texts, tf.string)
            for name, texts in texts_by_column(model_input, self.columns).items()
        }
        outputs = {name: value.numpy() for name, value in self.answer(**given).items()}
        return [
            unpadded({name: readable(value[row]) for name, value in outputs.items()})
            for row in range(len(given[self.columns[0]]))
        ]


def texts_by_column(asked: Any, columns: list[str]) -> dict[str, list[str]]:
    """The columns of what `Texts.predict` takes.

    Raises:
        ValueError: a column is missing, or holds something else than strings.
    """
    if isinstance(asked, str):
        asked = [asked]
    if isinstance(asked, Mapping):
        asked = {name: [cell] if isinstance(cell, str) else cell for name, cell in asked.items()}
    elif not isinstance(asked, pd.DataFrame):
        asked = list(asked)
        if not asked:
            asked = {name: [] for name in columns}
        elif not isinstance(asked[0], Mapping):
            asked = {columns[0]: asked}
    table = pd.DataFrame(asked)
    if missing := [name for name in columns if name not in table]:
        raise ValueError(f"the model reads {columns}: {missing} not in {list(table.columns)}")
    for name in columns:
        for row, text in enumerate(table[name]):
            if not isinstance(text, str):
                raise ValueError(f"{name!r} of row {row} should be a string, got {text!r}")
    return {name: table[name].tolist() for name in columns}


def readable(value: Any) -> Any:
    """NumPy's answer as what JSON knows; strings come out of TensorFlow as bytes."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [readable(item) for item in value]
    return value.decode() if isinstance(value, bytes) else value


def unpadded(row: dict[str, Any]) -> dict[str, Any]:
    """The answer to one text by a tagger, of several labels, or by what fills in masks; other
    answers as they are.
    """
    if "" in row.get("labels", ()):  # no label is empty
        end = row["labels"].index("")
        row |= {name: row[name][:end] for name in ("labels", "scores")}
    if "masks" in row:  # how many answers the text has
        row |= {name: row[name][: row["masks"]] for name in ("tokens", "scores")}
    for counted, names in ROWS.items():
        if counted in row:
            end = sum(place >= 0 for place in row[counted])
            row |= {name: row[name][:end] for name in names}
    return row


set_model(Texts(ModelConfig(development_config={"columns": ["text"]}).get("columns")))
