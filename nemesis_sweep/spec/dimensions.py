"""The kinds of dimension that a search space is made of."""

from __future__ import annotations

import math
from typing import Annotated, Any, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from nemesis_sweep.spec.fields import Count, Real, Section, Whole

TOLERANCE = 1e-8  # of a step, as Optuna has it
LARGEST = 1e300

Scalar: TypeAlias = str | int | float | bool | None


class _Range(Section):
    """What float and int ranges have in common: bounds in order, logarithms of positive numbers only."""

    log: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> _Range:
        low, high = self.bounds
        if low > high:
            raise PydanticCustomError(
                "low_above_high",
                "low is above high ({high})",
                {"high": f"{high:g}", "at": "low", "related": "high"},
            )
        if self.log and low <= 0:
            raise PydanticCustomError(
                "log_of_nothing",
                "a logarithmic range starts above 0",
                {"at": "low", "related": "log", "allowed": "a number above 0, or log: false"},
            )
        return self

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest value."""
        raise NotImplementedError


class FloatRange(_Range):
    """Numbers from `low` to `high`, both included; on a grid of `step` where it is given."""

    low: Real
    high: Real
    step: Annotated[Real, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _log_without_step(self) -> FloatRange:
        if self.log and self.step is not None:
            raise PydanticCustomError("log_step", "step and log exclude each other", {"at": "step"})
        return self

    @property
    def bounds(self) -> tuple[float, float]:
        return self.low, self.high

    def contains(self, value: Any) -> bool:
        """Tell whether a trial may take this value."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        steps = min((value - self.low) / self.step, LARGEST) if self.step else 0.0
        return self.low <= value <= self.high and abs(math.remainder(steps, 1)) < TOLERANCE


class IntRange(_Range):
    """Whole numbers from `low` to `high`, both included, `step` apart."""

    low: Whole
    high: Whole
    step: Count = 1

    @model_validator(mode="after")
    def _log_without_step(self) -> IntRange:
        if self.log and self.step != 1:
            raise PydanticCustomError("log_step", "step and log exclude each other", {"at": "step"})
        return self

    @property
    def bounds(self) -> tuple[int, int]:
        return self.low, self.high

    def contains(self, value: Any) -> bool:
        """Tell whether a trial may take this value."""
        return type(value) is int and self.low <= value <= self.high and (value - self.low) % self.step == 0


class Choice(Section):
    """One of `choices`; `opens[i]` holds the dimensions that exist only where `choices[i]` is taken."""

    choices: Annotated[list[Scalar], Field(min_length=1)]
    opens: list[dict[str, FloatRange | IntRange | Choice]]

    @model_validator(mode="before")
    @classmethod
    def _open_nothing(cls, data: Any) -> Any:
        if isinstance(data, dict) and "opens" not in data and isinstance(data.get("choices"), list):
            return {**data, "opens": [{} for _ in data["choices"]]}
        return data

    @model_validator(mode="after")
    def _one_space_per_choice(self) -> Choice:
        if len(self.opens) != len(self.choices):
            raise PydanticCustomError("opens", "every choice needs its own entry in opens", {"at": "opens"})
        return self

    def opened_by(self, value: Scalar) -> Space:
        """Return the dimensions that exist where `value` is taken, by name."""
        return self.opens[self.index(value)]

    def index(self, value: Scalar) -> int:
        """Return the place of `value` among the choices; ValueError where it is none of them."""
        return self.choices.index(value)

    def contains(self, value: Any) -> bool:
        """Tell whether a trial may take this value."""
        return value in self.choices


Dimension: TypeAlias = FloatRange | IntRange | Choice
Space: TypeAlias = dict[str, Dimension]
