"""Did Nemesis beat CoOp? One sentence per task and one for the sweep, honest about noise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.report.entry import Entry
from nemesis_sweep.report.leaderboard import TaskBoard
from nemesis_sweep.report.selection import RARE, range_text, selected_text
from nemesis_sweep.report.statistics import Gain, paired_gain, rounded
from nemesis_sweep.spec.metrics import direction


class Outcome(Enum):
    """How a task ended; the value completes "in N tasks ..."."""

    BETTER = "Nemesis beat CoOp beyond noise"
    NOISE = "the difference was within noise"
    WORSE = "Nemesis was worse beyond noise"
    COOP = "no other prompt beat plain CoOp"
    ALONE = "plain CoOp was the only prompt"
    NO_PENALTY = "the best had no norm penalty"
    NO_PROMPT = "the best trained no prompt"
    UNKNOWN = "nothing can be said about noise"
    INCOMPLETE = "there was nothing to compare"


def outcome(board: TaskBoard) -> Outcome:
    """Return how a task ended, judged on test by the 95 % interval over paired replicates.

    Nemesis is judged against the same configuration without its penalty, where that was trained.
    """
    best = board.best
    if best is None or board.entry("coop") is None:
        return Outcome.INCOMPLETE
    if best.baseline == "coop":
        return Outcome.ALONE if board.complete == 1 else Outcome.COOP
    if best.gain is None:
        return Outcome.INCOMPLETE
    if not best.is_nemesis:
        return Outcome.NO_PROMPT if best.row else Outcome.NO_PENALTY
    return _judged(board.penalty_gain or best.gain)


def task_verdict(board: TaskBoard) -> str:
    """Return the closing line of a task's table."""
    kind, best = outcome(board), board.best
    if best is None:
        kept = " and keeps the constraints" if board.broken else ""
        return f"{board.study}: no trial that trains a prompt{kept} completed"
    if board.entry("coop") is None:
        return f"{board.study}: plain CoOp has not completed, so there is nothing to compare the best with"
    if kind is Outcome.ALONE:
        told = "no other prompt than plain CoOp has completed"
    elif kind is Outcome.COOP:
        told = f"no other prompt that was tried beat plain CoOp on {board.criterion}"
        if ahead := _ahead_on_the_objective(board):
            told += f"; {_and(ahead)} did"
    elif best.gain is None:
        told = "the best found has no test accuracy to compare with CoOp's"
    else:
        told = f"best found {gain_text(best.gain)}: {_WORDS[_judged(best.gain)]}"
        if not best.is_nemesis:
            why = f"is {best.row}, which trains no prompt" if best.row else "has no norm penalty (omega 0)"
            told += f"; it {why}, so this is not Nemesis's doing"
        elif board.penalty_gain is None:
            told += "; how much of it is the penalty's is not known, without its control"
        elif board.penalty_gain != best.gain:
            told += f"; of that the penalty {_share_text(board.penalty_gain)}"
    remarks = (_confirmation_remark, _selection_remark, _reference_remark)
    return f"{board.study}: {told}{''.join(remark(board) for remark in remarks)}"


def sweep_verdict(boards: Sequence[TaskBoard]) -> str:
    """Return the line for the whole sweep: tasks by outcome, and the mean gain on test over all tasks."""
    boards = [board for board in boards if not board.is_mean]
    if not boards:
        return "Nothing to compare: no task has a result"
    count = Counter(outcome(board) for board in boards)
    tasks = counted(len(boards), "task")
    parts = [f"{kind.value} in {count[kind]}" for kind in Outcome if count[kind]]
    line = f"{tasks}: {', '.join(parts)}"
    mean = gain_over_tasks([board.paired for board in boards])
    # Plain CoOp against itself is no gain of zero.
    if mean is None or set(count) <= {Outcome.ALONE, Outcome.COOP}:
        return f"{line}{_sweep_remarks(boards)}"
    line += f". On average {gain_text(mean)}: {_WORDS[_judged(mean)]}"
    penalised = any(board.best is not None and board.best.is_nemesis for board in boards)
    penalty = gain_over_tasks([board.penalty for board in boards])
    if not penalised:
        line += "; none of the best has a norm penalty, so this is not Nemesis's doing"
    elif penalty is not None and penalty != mean:
        line += f"; of that the penalties {_share_text(penalty)}"
    again = gain_over_tasks([found.paired if (found := board.best_confirmed) else {} for board in boards])
    if again is not None:
        line += f". On fresh seeds {gain_text(again)}: {_WORDS[_judged(again)]}"
    return f"{line}{_sweep_remarks(boards)}"


def gain_over_tasks(pairs: Sequence[Mapping[int, tuple[float, float]]]) -> Gain | None:
    """Return the gain averaged over tasks seed by seed, then over seeds; None unless all tasks share them.

    pairs: for every task seed -> (ours, theirs). Tasks where plain CoOp stayed the best count as zero.
    """
    seeds = sorted(set(pairs[0])) if pairs else []
    if not seeds or any(set(pair) != set(seeds) for pair in pairs):
        return None
    ours, theirs = (
        [sum(pair[seed][side] for pair in pairs) / len(pairs) for seed in seeds] for side in (0, 1)
    )
    return paired_gain(ours, theirs)


NAMED = 2
"""References that a sentence names where the best found is behind; of more it says how many there are."""


def _and(names: Sequence[str]) -> str:
    """`a, b and c`; of more than ``NAMED`` the first ones and how many others."""
    if len(names) > NAMED:
        names = [*names[:NAMED], counted(len(names) - NAMED, "other reference")]
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _share_text(gain: Gain) -> str:
    """Return `+0.3 (95 % CI -0.4 to 1.0): within noise`."""
    told = f"{rounded(gain.mean):+.1f}"
    if gain.low is not None and gain.high is not None:
        told += f" (95 % CI {rounded(gain.low):.1f} to {rounded(gain.high):.1f})"
    return f"{told}: {_WORDS[_judged(gain)]}"


def gain_text(gain: Gain) -> str:
    """Return `+1.2 points on test over CoOp (95 % CI -0.4 to 2.8, 3 replicates)`."""
    told = f"{rounded(gain.mean):+.1f} points on test over CoOp"
    if gain.low is None or gain.high is None:
        return f"{told} (one replicate, no interval)"
    return f"{told} (95 % CI {rounded(gain.low):.1f} to {rounded(gain.high):.1f}, {gain.n} replicates)"


_WORDS = {
    Outcome.BETTER: "better, beyond noise",
    Outcome.NOISE: "within noise",
    Outcome.WORSE: "worse, beyond noise",
    Outcome.UNKNOWN: "noise unknown",
}


def _judged(gain: Gain) -> Outcome:
    if gain.low is None or gain.high is None:
        return Outcome.UNKNOWN
    if not gain.beyond_noise:
        return Outcome.NOISE
    return Outcome.BETTER if gain.low > 0 else Outcome.WORSE


def _sweep_remarks(boards: Sequence[TaskBoard]) -> str:
    """How often PAN selected, and in how many tasks no prompt was as good as a row that trains none."""
    found = [range_text(share for board in boards for share in board.selected)]
    count = Counter(entry.label for board in boards for entry, _ in _ahead_on_test(board))
    if count:
        ahead = _and([f"{label} in {counted(n, 'task')}" for label, n in count.most_common()])
        found.append(f"on test the best found is behind {ahead}")
    return "".join(f". {remark[0].upper()}{remark[1:]}" for remark in found if remark)


def _ahead_on_the_objective(board: TaskBoard) -> list[str]:
    """The references that are better than the best found by what it was selected on, with both values, the
    best first."""
    name, best = board.objectives[0], board.best
    # Of a joint study the means select, which only their own table has.
    if best is None or (board.mean_of and not board.is_mean):
        return []
    limit, sign = best.metric(name), 1 if direction(name) == "maximize" else -1
    if limit is None:
        return []
    scores = [(entry.label, score.mean) for entry in board.references if (score := entry.metric(name))]
    ahead = [(label, value) for label, value in scores if sign * value > sign * limit.mean]
    form = ".1f" if name.endswith("accuracy") else ".3g"
    return [
        f"{label} ({value:{form}} against {limit.mean:{form}})"
        for label, value in sorted(ahead, key=lambda each: -sign * each[1])
    ]


def _ahead_on_test(board: TaskBoard) -> list[tuple[Entry, float]]:
    """The references that are better on test than the best found, and by how many points, the best first."""
    best = board.best
    if best is None or best.test is None:
        return []
    leads = [
        (entry, entry.test.mean - best.test.mean) for entry in board.references if entry.test is not None
    ]
    ahead = [(entry, lead) for entry, lead in leads if rounded(lead) > 0]
    return sorted(ahead, key=lambda each: -each[1])


def _confirmation_remark(board: TaskBoard) -> str:
    """What the best came to on seeds that did not select it, and how much less that is."""
    found = board.best_confirmed
    if found is None:
        return ""
    gain, told = found.gain, []
    if gain is not None:
        told.append(_share_text(gain))
    differences = (("val", found.val_difference), ("test", found.test_difference))
    changes = [f"{name} {rounded(less):+.1f}" for name, less in differences if less is not None]
    if changes:
        told.append(f"{' and '.join(changes)} against the seeds that selected it")
    return f"; on {counted(len(found.seeds), 'fresh seed')} {', '.join(told)}" if told else ""


def _reference_remark(board: TaskBoard) -> str:
    """Say so where the best found is behind what trains no prompt: zero-shot, or a linear probe."""
    ahead = _ahead_on_test(board)
    behind = [
        f"{lead:.1f} {'below' if place else 'points below'} {entry.label}"
        for place, (entry, lead) in enumerate(ahead)
    ]
    return f"; {_and(behind)} on test" if behind else ""


def _selection_remark(board: TaskBoard) -> str:
    """How often PAN selected in the best found: hardly ever means hardly a penalty."""
    best = board.best
    if best is None or best.selected is None:
        return ""
    told = f"; PAN selected {selected_text(best.selected)} of the positions that it drew"
    alone = float({**best.config, **best.params}.get("beta", 1)) == 0
    return f"{told}, so the penalty hardly acted" if alone and best.selected < RARE else told
