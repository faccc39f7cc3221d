"""The `budget` section: how much is tried."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from nemesis_sweep.spec.fields import Natural, Real, Section


class Budget(Section):
    """trials: per study; points are among them, baselines outside of the space are not.
    until: `converged` ends a study before, when little is left to gain; None: never.
    retries: how often a trial goes on from its checkpoint after its worker or node was lost.
    max_failures: failed trials, over all studies, above which no more are begun, baselines and the control
        neither, and the run ends with an error; None is without limit.
    hours: trial time of the whole sweep, summed over the trials that ran; the sampler is asked for no more
        when it is spent. Trials that have begun still end, and baselines and the control are still run, for
        without them no table says what was found. None is without limit.
    """

    trials: Natural = 20
    until: Literal["converged"] | None = None
    retries: Natural = 2
    max_failures: Natural | None = None
    hours: Annotated[Real, Field(gt=0)] | None = None
