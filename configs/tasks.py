"""What is to be learned: which columns hold texts and labels, and how the answer is scored."""

from typing import Annotated, Literal

from pydantic import Field

from configs.closed import Closed


class Classify(Closed):
    """One label of several for a text."""

    kind: Literal["classify"]
    text: str = "text"
    label: str = "label"
    class_weights: Literal["none", "balanced"] | dict[str, float] = "none"
    label_smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0


class Multilabel(Closed):
    """Any number of labels for a text; the column holds them joined by the separator.

    A JSONL or Parquet column may hold a list instead.
    """

    kind: Literal["multilabel"]
    text: str = "text"
    label: str = "labels"
    separator: str = "|"
    threshold: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5


class Regress(Closed):
    """One number for a text."""

    kind: Literal["regress"]
    text: str = "text"
    label: str = "label"


Task = Annotated[Classify | Multilabel | Regress, Field(discriminator="kind")]
