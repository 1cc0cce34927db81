"""Where a training job stands."""

from dataclasses import dataclass, field


@dataclass
class State:
    """What a checkpoint holds beside the variables, as JSON."""

    step: int = 0
    epoch: int = 0
    position: int = 0  # batches of this epoch that are done
    loss: float = 0.0  # since the last validation, summed with its weight
    weight: float = 0.0
    seconds: float = 0.0
    best: float | None = None  # the deciding score of the best validation
    best_step: int = 0
    worse: int = 0  # validations since the best one
    done: bool = False
    history: list[dict[str, float]] = field(default_factory=list)

    @property
    def mean_loss(self) -> float:
        """Of the examples since the last validation."""
        return self.loss / max(self.weight, 1e-12)
