"""What every report begins with: the model that it is of, and whether its figures are a test's."""

from typing import Any

MODELS = {
    "text_cnn": "text CNN",
    "rnn": "RNN",
    "lstm": "LSTM",
    "gru": "GRU",
    "elmo": "ELMo",
    "awd_lstm": "AWD-LSTM",
    "bert": "BERT",
    "gpt": "GPT",
    "ensemble": "ensemble",
}
NO_TEST = """
<p class="warn">There is no test split. These are figures of the validation split, which also chose
the weights, so expect new texts to do a little worse.</p>
"""


def caution(report: dict[str, Any]) -> str:
    """A warning where the figures are those of the split that chose the weights."""
    return NO_TEST if report["split"] == "valid" else ""
