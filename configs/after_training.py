"""What becomes of a trained model: how it is judged, exported and recorded."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_serializer, field_validator

from configs.closed import Closed
from configs.store_address import without_secrets


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

    uri: str | None = None  # a password in it is used, and written nowhere
    experiment: str | None = None  # the recipe's name if not said
    # Name in the model registry; the recipe's name if not said.
    register_as: Annotated[str, Field(pattern=r"^[^/:]+$", max_length=255)] | None = None
    alias: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=255)] = "champion"
    # When the alias moves to a new version: if neither a baseline nor the version that has it now
    # is significantly better on the same test examples, always, or never.
    promote: Literal["if_not_worse", "always", "never"] = "if_not_worse"

    @field_validator("alias")
    @classmethod
    def is_no_version(cls, alias: str) -> str:
        if re.fullmatch(r"latest|v\d+", alias, re.IGNORECASE):
            raise ValueError(f"MLflow reads {alias!r} as a version: choose another alias")
        return alias

    @field_serializer("uri")
    def written(self, uri: str | None) -> str | None:
        return None if uri is None else without_secrets(uri)
