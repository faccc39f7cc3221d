"""What a study hands out: one trial to run, and what Optuna keeps beside it."""

from dataclasses import dataclass

from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.values import Values

BASELINE, SECONDS, REASON, TWIN = "baseline", "seconds", "reason", "twin"
AGAIN, RETRIED, SEEDS = "again", "retried", "seeds"
"""User attributes of a trial. A trial with a twin never ran: another with its parameters was running. One
that was over and was opened again says why: it is complete and was judged, so nothing prunes it, or it had
failed and is tried again. Only a confirmation has seeds of its own."""

SIMULATED_END = "simulated_end"
"""User attribute of a simulated trial: when it ended, in simulated seconds."""


@dataclass(frozen=True)
class Proposal:
    """A trial to run: its number (a baseline's name when it stands beside the space) and what it trains.

    ``methods`` has one for each task of the study; they differ where datasets have fixed values of their own.
    ``seeds`` are those of its replicates.
    """

    number: str
    baseline: str
    params: Values
    methods: tuple[Method, ...]
    seeds: tuple[int, ...]

    @property
    def method(self) -> Method:
        """What the first task trains."""
        return self.methods[0]
