"""The best of a study is the same trial in Optuna's storage, in the rows, in tables and in the live view."""

import math
from dataclasses import replace

import optuna
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState

from nemesis_sweep.report.leaderboard import leaderboard
from nemesis_sweep.report.study_counts import StudyCounts
from nemesis_sweep.spec.baselines import BASELINES, trains_prompt
from nemesis_sweep.spec.metrics import direction
from nemesis_sweep.spec.sweep import MEAN
from nemesis_sweep.sweep.best import LOSS, best, best_trial, best_trials, candidates_in, front, mark_best
from nemesis_sweep.sweep.proposal import BASELINE
from nemesis_sweep.sweep.row import Row

OBJECTIVES = ("val/accuracy", "norm/mean")
NAMES = [*(name for name in BASELINES if not BASELINES[name].last), *map(str, range(5)), "control-of-1"]


@st.composite
def trials_and_rows(draw, objectives):
    """The same trials as Optuna and as the rows have them, with many that are equal."""
    trials, rows = [], []
    for number in draw(st.lists(st.sampled_from(NAMES), unique=True)):
        values = [float(draw(st.integers(0, 2))) for _ in objectives]
        loss = draw(st.sampled_from([None, 0.5, 1.0]))
        broken = draw(st.booleans())
        state = draw(st.sampled_from([TrialState.COMPLETE, TrialState.COMPLETE, TrialState.PRUNED]))
        own = "" if number.isdigit() else number
        attributes = {BASELINE: own, **({} if loss is None else {LOSS: loss})}
        complete = state == TrialState.COMPLETE
        trial = optuna.trial.create_trial(
            state=state, values=values if complete else None, user_attrs=attributes
        )
        if complete:
            trial.set_constraint("limit", 1.0 if broken else -1.0)
        trials.append((number, trial))
        rows.append(
            Row(
                study="s",
                number=number,
                baseline="control" if number.startswith("control") else own,
                state=state.name,
                metrics={
                    **dict(zip(objectives, values, strict=True)),
                    LOSS: math.nan if loss is None else loss,
                },
                broken=["limit"] if broken else [],
            )
        )
    return trials, rows


@given(st.data(), st.sampled_from([OBJECTIVES[:1], OBJECTIVES]))
def test_all_choose_the_same(data, objectives):
    trials, rows = data.draw(trials_and_rows(objectives))
    directions = [direction(name) for name in objectives]
    found = best_trial(trials, directions)
    number = found[0] if found else None
    marked = mark_best(rows, objectives)
    assert [row.number for row in marked if row.best] == ([number] if found else [])
    assert {row.number for row in marked if row.front} == {
        each for each, _ in best_trials(trials, directions)
    }
    (board,) = leaderboard(marked, objectives) or [None]
    assert board is None or (board.best.number if board.best else None) == number
    counts = StudyCounts("s", 99)
    for each in candidates_in(trials, directions):
        counts.count("COMPLETE", each)
    assert (counts.best.number if counts.best else None) == number


@given(st.data())
def test_it_is_the_first_in_the_order_of_the_rule(data):
    _, rows = data.draw(trials_and_rows(OBJECTIVES))
    candidates = [
        row for row in rows if row.state == "COMPLETE" and trains_prompt(row.baseline) and not row.broken
    ]
    order = ["coop", "paper"]

    def rank(row):
        loss = row.measured(LOSS)
        return (
            -row.metrics["val/accuracy"],
            row.metrics["norm/mean"],
            math.inf if loss is None else loss,
            order.index(row.baseline) if row.baseline in order else len(order),
            int(row.number) if row.number.isdigit() else 0,
        )

    wanted = min(map(rank, candidates), default=None)
    (chosen,) = [row for row in mark_best(rows, OBJECTIVES) if row.best] or [None]
    assert (None if chosen is None else rank(chosen)) == wanted


def test_the_front_begins_with_the_best():
    trials = [
        (str(n), optuna.trial.create_trial(values=[float(n % 3), float(n)], user_attrs={})) for n in range(9)
    ]
    candidates = candidates_in(trials, ["maximize", "minimize"])
    assert front(candidates)[0] == best(candidates)
    assert [each.number for each in front(candidates)] == ["2", "1", "0"]


def test_of_a_joint_study_the_means_decide_for_all_rows():
    rows = [
        Row(study="joint", number=number, task=task, metrics={"val/accuracy": value})
        for number, values in {"0": (90.0, 10.0), "1": (60.0, 60.0)}.items()
        for task, value in (("a", values[0]), ("b", values[1]), (MEAN, sum(values) / 2))
    ]
    assert [row.best for row in mark_best(rows, ["val/accuracy"])] == [False] * 3 + [True] * 3
    without = [replace(row, state="PRUNED") if row.task == MEAN else row for row in rows]
    assert not any(row.best for row in mark_best(without, ["val/accuracy"]))
