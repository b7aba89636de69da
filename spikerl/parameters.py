"""Types of circuit parameters: quantities with their unit, checked where they are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from spikerl.units import Dimension, to_nonnegative_si, to_positive_si, to_si


def _checked(check: Callable[[str, Dimension, str], float], dimension: Dimension) -> AfterValidator:
    def validate(quantity: str) -> str:
        check(quantity, dimension, "value")
        return quantity

    return AfterValidator(validate)


Time = Annotated[str, _checked(to_positive_si, Dimension.TIME)]
Voltage = Annotated[str, _checked(to_si, Dimension.VOLTAGE)]
Strength = Annotated[str, _checked(to_nonnegative_si, Dimension.VOLTAGE)]
"""The size of a synaptic weight; whether it excites or inhibits is the circuit's matter."""
Rate = Annotated[str, _checked(to_nonnegative_si, Dimension.RATE)]
Count = Annotated[int, Field(ge=1, le=100_000)]
Share = Annotated[float, Field(ge=0, le=1)]


class CircuitParameters(BaseModel):
    """Base of all ``[circuit]`` tables: unknown keys, wrong types, NaN and infinities are refused; frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
