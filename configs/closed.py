"""What every part of a recipe has in common: frozen, and closed to keys it does not know."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Rate = Annotated[float, Field(ge=0.0, lt=1.0)]  # of a dropout: the share that is dropped


class Closed(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False
    )


def default_kind(kind: str) -> BeforeValidator:
    """Lets a mapping of a union leave out `kind`: `optimizer: {beta_1: 0.8}` is still Adam.

    And a string is the kind, with nothing else said: `pooling: concat`.
    """

    def add(value: Any) -> Any:
        value = {"kind": value} if isinstance(value, str) else value
        return {"kind": kind, **value} if isinstance(value, dict) else value

    return BeforeValidator(add)
