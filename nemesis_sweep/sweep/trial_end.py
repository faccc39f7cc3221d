"""What becomes of a trial that has told its last: its state in Optuna, and why."""

from __future__ import annotations

from dataclasses import dataclass

from optuna.trial import TrialState

from nemesis_sweep.spec.search import Search
from nemesis_sweep.sweep.objective_values import Judgement, judge
from nemesis_sweep.sweep.proposal import Proposal
from nemesis_sweep.sweep.result import Report


@dataclass(frozen=True)
class TrialEnd:
    """state: COMPLETE, PRUNED or FAIL. reason: '' of a complete trial that keeps every constraint."""

    state: TrialState
    reason: str
    judged: Judgement


def trial_end(
    search: Search,
    proposal: Proposal,
    last: Report,
    *,
    pruned: str = "",
    failed: bool = False,
    error: str = "",
) -> TrialEnd:
    """Judge a trial by its last report; one that told nothing has an empty report.

    pruned: where in the trial the pruner stopped it, '' if it did not. failed: whether its worker ended
    without a word; error: what was last heard of that.
    """
    methods = [method.model_dump() for method in proposal.methods]
    judged = judge(search, methods, last.measured, proposal.baseline)
    if pruned:
        reason = f"pruned at {pruned}: {judged.values[0]:.4g} was not promising"
        return TrialEnd(TrialState.PRUNED, reason, judged)
    if failed or last.failure or not last.done:
        return TrialEnd(TrialState.FAIL, last.failure or error or "ended without a result", judged)
    if not judged.finite:
        seeds = list(last.failed_seeds) or "none"
        values = ", ".join(map(str, judged.values))
        reason = f"the objective is not finite ({values}); seeds with a loss that is not: {seeds}"
        return TrialEnd(TrialState.FAIL, reason, judged)
    return TrialEnd(TrialState.COMPLETE, " and ".join(f"breaks {text}" for text in judged.broken), judged)
