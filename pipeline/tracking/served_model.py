"""The exported SavedModel as an MLflow model that answers raw strings.

MLflow keeps a copy of this file beside the model and runs it wherever the model is loaded, so it
imports nothing of textmill: tensorflow and tensorflow_text are enough.
"""

from typing import Any

from mlflow.models import ModelConfig, set_model
from mlflow.pyfunc import PythonModel
from pydantic import BaseModel

# A tagger's output in which -1 says that a row has ended -> the outputs that end with it.
ROWS = {
    "begins": ("words", "begins", "ends", "tags", "scores"),
    "span_begins": ("span_labels", "span_begins", "span_ends"),
}


class Texts(PythonModel):
    def load_context(self, context: Any) -> None:
        import tensorflow as tf
        import tensorflow_text  # noqa: F401  (registers the tokenizer's ops)

        loaded = tf.saved_model.load(context.artifacts["export"])
        self.answer = loaded.signatures["serving_default"]
        self.loaded = loaded  # the signature does not keep its model alive

    def predict(self, context: Any, model_input: list[str]):  # type: ignore[override]
        """One dict a text, with the outputs of `serving_default`, without padding."""
        return self.answers(text=model_input)

    def answers(self, **columns: list[str]) -> list[dict[str, Any]]:
        import tensorflow as tf

        given = {name: tf.constant(texts, tf.string) for name, texts in columns.items()}
        outputs = {name: value.numpy() for name, value in self.answer(**given).items()}
        return [
            unpadded({name: readable(value[row]) for name, value in outputs.items()})
            for row in range(len(columns["text"]))
        ]


class Pair(BaseModel):
    text: str
    second: str


class Pairs(Texts):
    def predict(self, context: Any, model_input: list[Pair]):  # type: ignore[override]
        """One dict a pair, with the outputs of `serving_default`."""
        return self.answers(
            text=[pair.text for pair in model_input], second=[pair.second for pair in model_input]
        )


def readable(value: Any) -> Any:
    """NumPy's answer as what JSON knows; strings come out of TensorFlow as bytes."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [readable(item) for item in value]
    return value.decode() if isinstance(value, bytes) else value


def unpadded(row: dict[str, Any]) -> dict[str, Any]:
    """A tagger's answer to one text; other answers as they are."""
    for counted, names in ROWS.items():
        if counted in row:
            end = sum(place >= 0 for place in row[counted])
            row |= {name: row[name][:end] for name in names}
    return row


settings = ModelConfig(development_config={"pairs": False})
set_model(Pairs() if settings.get("pairs") else Texts())
