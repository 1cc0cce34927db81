"""What every report begins with: the model that it is of, and whether its figures are a test's."""

from html import escape
from typing import Any

from pipeline import page

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


def cost(report: dict[str, Any]) -> str:
    """What training took; of an export without its run, that is not known."""
    parameters = page.spell(report["parameters"])
    if report["seconds"] is None:
        return f"The model has {parameters} parameters."
    return f"Training took {report['seconds']:.0f} s for {parameters} parameters."


def caution(report: dict[str, Any]) -> str:
    """What qualifies the figures, most of it as warnings. Reports of before say less."""
    left_out = report.get("left_out")
    warnings = [
        left_out and f"{left_out} Texts like these were not measured.",
        report.get("unseen"),
        report.get("known"),
    ]
    notes = "".join(f"<p>{escape(note)}</p>\n" for note in report.get("notes", ()))
    told = "".join(f'<p class="warn">{escape(words)}</p>\n' for words in warnings if words)
    return notes + told + NO_TEST * (report["split"] == "valid")
