"""Did Nemesis beat CoOp? One sentence per task and one for the sweep, honest about noise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum

from nemesis_sweep.report.leaderboard import TaskBoard
from nemesis_sweep.report.statistics import Gain, paired_gain, rounded
from nemesis_sweep.spec.counting import counted


class Outcome(Enum):
    """How a task ended; the value completes "in N tasks ..."."""

    BETTER = "Nemesis beat CoOp beyond noise"
    NOISE = "the difference was within noise"
    WORSE = "Nemesis was worse beyond noise"
    COOP = "plain CoOp stayed the best"
    NO_PENALTY = "the best had no norm penalty"
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
        return Outcome.COOP
    if best.gain is None:
        return Outcome.INCOMPLETE
    if not best.is_nemesis:
        return Outcome.NO_PENALTY
    return _judged(board.penalty_gain or best.gain)


def task_verdict(board: TaskBoard) -> str:
    """Return the closing line of a task's table."""
    kind, best = outcome(board), board.best
    if best is None:
        kept = " that keeps the constraints" if board.broken else ""
        return f"{board.study}: no trial{kept} completed"
    if board.entry("coop") is None:
        return f"{board.study}: plain CoOp did not complete, so there is nothing to compare the best with"
    if kind is Outcome.COOP:
        told = f"nothing that was tried beat plain CoOp on {board.criterion}"
    elif best.gain is None:
        told = "the best found has no test accuracy to compare with CoOp's"
    else:
        told = f"best found {gain_text(best.gain)}: {_WORDS[_judged(best.gain)]}"
        if kind is Outcome.NO_PENALTY:
            told += "; it has no norm penalty (omega 0), so this is not Nemesis's doing"
        elif board.penalty_gain is None:
            told += "; how much of it is the penalty's is not known, without its control"
        elif board.penalty_gain != best.gain:
            told += f"; of that the penalty {_share_text(board.penalty_gain)}"
    return f"{board.study}: {told}{_zero_shot_remark(board)}"


def sweep_verdict(boards: Sequence[TaskBoard]) -> str:
    """Return the line for the whole sweep: tasks by outcome, and the mean gain on test over all tasks."""
    boards = [board for board in boards if not board.is_mean]
    if not boards:
        return "Nothing to compare: no task has a result"
    count = Counter(outcome(board) for board in boards)
    tasks = counted(len(boards), "task")
    parts = [f"{kind.value} in {count[kind]}" for kind in Outcome if count[kind]]
    line = f"{tasks}: {', '.join(parts)}"
    mean = mean_gain([board.paired for board in boards])
    if mean is None:
        return line
    line += f". On average {gain_text(mean)}: {_WORDS[_judged(mean)]}"
    penalty = mean_gain([board.penalty for board in boards])
    return line if penalty in (None, mean) else f"{line}; of that the penalties {_share_text(penalty)}"


def mean_gain(pairs: Sequence[Mapping[int, tuple[float, float]]]) -> Gain | None:
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


def _zero_shot_remark(board: TaskBoard) -> str:
    """Say so where training did not even keep what the model knew before."""
    zero_shot, best = board.entry("zero_shot"), board.best
    if zero_shot is None or best is None or zero_shot.test is None or best.test is None:
        return ""
    behind = best.test.mean - zero_shot.test.mean
    return f"; {-behind:.1f} points below zero-shot on test" if behind < 0 else ""
