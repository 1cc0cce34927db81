"""What every report begins with: the model that it is of, and whether its figures are a test's."""

from html import escape
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
    """Warnings: that the figures are those of the split that chose the weights, that data is gone.

    Reports of before do not say what was left out.
    """
    left_out = report.get("left_out", "")
    told = f'<p class="warn">{escape(left_out)} Texts like these were not measured.</p>\n'
    return told * bool(left_out) + NO_TEST * (report["split"] == "valid")
