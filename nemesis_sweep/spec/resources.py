"""The `resources` section: what one trial takes of the machine or cluster."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from nemesis_sweep.spec.fields import Count, Real, Section


class Resources(Section):
    """cpus, gpus: share of one trial, fractions allowed, at most one GPU; `gpus: auto` takes what fits, 0
        where there is none.
    concurrent: trials that run at once, `auto` as many as fit.
    timeout: seconds for which a running trial may report and write nothing before its worker is replaced;
        None is for ever.
    """

    cpus: Annotated[Real, Field(gt=0)] = 1.0
    gpus: Annotated[Real, Field(ge=0)] | Literal["auto"] = "auto"
    concurrent: Count | Literal["auto"] = "auto"
    timeout: Annotated[Real, Field(gt=0)] | None = 7200.0

    @model_validator(mode="after")
    def _one_gpu_at_most(self) -> Resources:
        if self.gpus != "auto" and self.gpus > 1:
            allowed = "a share up to 1, or auto; with more GPUs there, more trials train at once"
            raise PydanticCustomError(
                "gpus", "a trial trains on one GPU and uses no more", {"at": "gpus", "allowed": allowed}
            )
        return self
