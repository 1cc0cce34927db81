"""What becomes of a trained model: how it is judged, exported and recorded."""

from typing import Annotated, Literal

from pydantic import Field

from configs.closed import Closed


class NeuralCache(Closed):
    """Words that came a short while ago become likelier in a language model's test.

    Grave et al. 2017, https://arxiv.org/abs/1612.04426; the defaults are those that the code of
    Merity et al. 2017 has for the Penn Treebank.
    """

    size: Annotated[int, Field(ge=1)] = 500  # words to look back
    theta: Annotated[float, Field(gt=0.0)] = 0.6621  # flatness: the larger, the more like a match
    weight: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.1279  # of the cache in the mixture


class Evaluate(Closed):
    resamples: Annotated[int, Field(ge=100)] = 1000  # of the bootstrap behind intervals
    slices: tuple[str, ...] = ()  # columns of data.columns to report on separately
    baselines: bool = True
    mistakes: Annotated[int, Field(ge=0)] = 20
    cache: NeuralCache | None = None  # of a language model
    # Of a gpt, tokens from a window's beginning to the next one's in documents that are longer than
    # its context; half of the context if not said.
    stride: Annotated[int, Field(ge=1)] | None = None


class Export(Closed):
    top_k: Annotated[int, Field(ge=1)] = 5
    golden: Annotated[int, Field(ge=1)] = 64  # texts whose answers go with the model


class Tracking(Closed):
    """MLflow. `uri` if set, else MLFLOW_TRACKING_URI, else `mlflow.db` in the work folder."""

    uri: str | None = None
    experiment: str | None = None  # the recipe's name if not said
    register_as: str | None = None  # name in the model registry; the recipe's name if not said
    alias: str = "champion"
    # When the alias moves to a new version: if neither a baseline nor the version that has it now
    # is significantly better on the same test examples, always, or never.
    promote: Literal["if_not_worse", "always", "never"] = "if_not_worse"
