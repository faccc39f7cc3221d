from __future__ import annotations

import math

import numpy as np
import pandas
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM

from nemesis_sweep.report.statistics.variance_split import _components, variance_split

SHAPE = [[3, 2, 1], [4], [1, 2, 2, 5]]
"""Replicates by task and setting: unbalanced, with a task of one setting and settings of one replicate."""


def test_by_hand() -> None:
    told = variance_split([[[1.0, 3.0], [5.0, 7.0]], [[10.0, 12.0], [10.0, 12.0]]])
    # Means 2, 6, 11, 11; 4 and 11; 7.5. Mean squares: within 8 / 4 = 2, settings 16 / 2 = 8, tasks 98.
    assert told.seeds == pytest.approx(2.0)
    assert told.settings == pytest.approx((8 - 2) / 2)
    assert told.tasks == pytest.approx((98 - 8) / 4)
    assert (told.n_tasks, told.n_settings, told.n_scores, told.why) == (2, 4, 8, "")
    assert told.percent == pytest.approx(
        {"tasks": 100 * 22.5 / 27.5, "settings": 300 / 27.5, "seeds": 200 / 27.5}
    )


def test_balanced_data_give_restricted_maximum_likelihood() -> None:
    generator = np.random.default_rng(0)
    scores = (
        60
        + generator.normal(0, 5, (8, 1, 1))
        + generator.normal(0, 3, (8, 6, 1))
        + generator.normal(0, 2, (8, 6, 4))
    )
    places = np.indices(scores.shape).reshape(3, -1)
    frame = pandas.DataFrame({"task": places[0], "setting": places[1], "score": scores.ravel()})
    fitted = MixedLM.from_formula(
        "score ~ 1", frame, groups="task", re_formula="1", vc_formula={"setting": "0 + C(setting)"}
    ).fit(reml=True)
    told = variance_split(scores.tolist())
    assert told.tasks == pytest.approx(fitted.cov_re.iloc[0, 0], rel=1e-3)
    assert told.settings == pytest.approx(fitted.vcomp[0], rel=1e-3)
    assert told.seeds == pytest.approx(fitted.scale, rel=1e-3)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_unbalanced_estimates_have_the_right_expectation(level: int) -> None:
    """A quadratic form of Z u, u of variance 1, has as expectation the sum of the forms of Z's columns."""
    labels = [
        (task, (task, setting), (task, setting, replicate))
        for task, settings in enumerate(SHAPE)
        for setting, size in enumerate(settings)
        for replicate in range(size)
    ]
    counts = (3, 8, len(labels))
    expectation = np.zeros(3)
    for effect in dict.fromkeys(label[level] for label in labels):
        column = iter([float(label[level] == effect) for label in labels])
        cells = [[np.array([next(column) for _ in range(size)]) for size in task] for task in SHAPE]
        expectation += np.array(_components(cells, counts), dtype=float)
    assert expectation == pytest.approx(np.eye(3)[level], abs=1e-9)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("scores", "known", "why"),
    [
        ([], set(), "no values"),
        ([[[math.nan]]], set(), "no values"),
        ([[[1.0, 2.0], [4.0, 5.0]]], {"settings", "seeds"}, "one task"),
        (
            [[[1.0, 2.0]], [[7.0, 5.0]]],
            {"tasks", "seeds"},
            "one setting a task: nothing is told of settings apart from tasks",
        ),
        (
            [[[1.0], [2.0]], [[7.0], [9.0]]],
            {"tasks", "settings"},
            "one replicate a setting: seeds are not told from settings",
        ),
        ([[[61.3] * 3] * 3] * 3, set(), "all scores are equal"),
        ([[[5.0]]], set(), "one task; one setting a task: nothing is told of settings apart from tasks; one"),
    ],
)
def test_what_cannot_be_told_apart_is_said(scores: list, known: set[str], why: str) -> None:
    told = variance_split(scores)
    assert set(told.percent) == known
    assert told.why.startswith(why)
    assert sum(told.percent.values()) == pytest.approx(100 if known else 0)


def test_an_estimate_below_zero_is_zero_and_told() -> None:
    told = variance_split([[[1.0, 9.0], [2.0, 8.2]], [[0.0, 10.0], [3.0, 7.2]]])
    assert told.settings == 0.0
    assert told.why == "tasks and settings: estimate below 0, taken as 0"


def test_missing_cells_and_failed_replicates_are_left_out() -> None:
    with_gaps = [[[1.0, math.nan, 3.0], [], [5.0, 7.0]], [[math.nan]], [[10.0, 12.0], [11.0, 13.0]]]
    without = [[[1.0, 3.0], [5.0, 7.0]], [[10.0, 12.0], [11.0, 13.0]]]
    told, plain = variance_split(with_gaps), variance_split(without)
    assert (told.tasks, told.settings, told.seeds) == (plain.tasks, plain.settings, plain.seeds)
    assert told.left_out == 2
