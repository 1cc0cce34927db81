"""What an evaluation has found out, whatever the task."""

from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Measured:
    """Args: findings, the report's sections, `metrics` among them; predictions, a row an example,
    with `example`, `label` and `predicted`; pictures, figures by name.
    """

    findings: dict[str, Any]
    predictions: pd.DataFrame
    pictures: dict[str, Any]
