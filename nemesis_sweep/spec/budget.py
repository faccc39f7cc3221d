"""The `budget` section: how much is tried."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from nemesis_sweep.spec.fields import Natural, Real, Section


class Budget(Section):
    """trials: per study; points are among them, baselines outside of the space are not.
    max_failures: retries of one trial.
    hours: trial time of the whole sweep, summed over the trials that ran; the sampler is asked for no more
        when it is spent. Baselines and trials that have begun still end. None is without limit.
    """

    trials: Natural = 20
    max_failures: Natural = 2
    hours: Annotated[Real, Field(gt=0)] | None = None
