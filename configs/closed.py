"""What every part of a recipe has in common: frozen, and closed to keys it does not know."""

from pydantic import BaseModel, ConfigDict


class Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
