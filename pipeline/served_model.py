"""The exported SavedModel as an MLflow model that answers raw strings.

MLflow keeps a copy of this file beside the model and runs it wherever the model is loaded, so it
imports nothing of textmill: tensorflow and tensorflow_text are enough.
"""

from typing import Any

from mlflow.models import set_model
from mlflow.pyfunc import PythonModel


class SavedModel(PythonModel):
    def load_context(self, context: Any) -> None:
        import tensorflow as tf
        import tensorflow_text  # noqa: F401  (registers the tokenizer's ops)

        loaded = tf.saved_model.load(context.artifacts["export"])
        self.answer = loaded.signatures["serving_default"]
        self.loaded = loaded  # the signature does not keep its model alive

    def predict(self, context: Any, model_input: list[str]):  # type: ignore[override]
        """One dict a text, with the outputs of `serving_default`."""
        import tensorflow as tf

        if not model_input:
            return []
        outputs = {
            name: value.numpy() for name, value in self.answer(tf.constant(model_input)).items()
        }
        return [
            {name: readable(value[row]) for name, value in outputs.items()}
            for row in range(len(model_input))
        ]


def readable(value: Any) -> Any:
    """NumPy's answer as what JSON knows; strings come out of TensorFlow as bytes."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [readable(item) for item in value]
    return value.decode() if isinstance(value, bytes) else value


set_model(SavedModel())
