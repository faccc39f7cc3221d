"""`search.corrupt`: every learnt prompt once more with one vector scaled or replaced."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from nemesis_sweep.spec.choices import CORRUPTIONS, REPLACE, RESCALE
from nemesis_sweep.spec.fields import Count, NoneOrMany, OneOrMany, Real, Section

Strength = Annotated[Real, Field(ge=0)]


class Corrupt(Section):
    """rescale: factors that a vector is multiplied with; [] leaves that out. replace: standard deviations of
    the noise that takes its place; [] leaves that out. positions: of the vectors, from 1; [] for all.
    on: the images that it is tested on.
    """

    rescale: NoneOrMany[Strength] = Field(default=list(CORRUPTIONS[RESCALE]))
    replace: NoneOrMany[Strength] = Field(default=list(CORRUPTIONS[REPLACE]))
    positions: NoneOrMany[Count] = Field(default_factory=list)
    on: OneOrMany[Literal["val", "test"]] = Field(default=["test"])

    @model_validator(mode="after")
    def _does_something(self) -> Corrupt:
        if not self.operations:
            context = {"allowed": "strengths of rescale, of replace, or of both"}
            raise PydanticCustomError("nothing", "nothing is corrupted", context)
        return self

    @property
    def operations(self) -> dict[str, tuple[float, ...]]:
        """Those that have strengths, with these."""
        given = {RESCALE: self.rescale, REPLACE: self.replace}
        return {name: tuple(strengths) for name, strengths in given.items() if strengths}
