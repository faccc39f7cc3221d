from __future__ import annotations

import pytest

from nemesis_sweep.report.page.comparison import method_scores, of_one_dataset, ranked_means, unranked_text
from tests.report.conftest import row
from tests.report.page.made_rows import made_rows
from tests.report.page.materials import material_of

TASK = {"task": "digits-1shot", "dataset": "digits", "shots": 1}
OTHER = {"task": "digits-4shot", "dataset": "digits", "shots": 4, "study": "digits-4shot"}


def rows_of(task: dict, coop: list[float], found: list[float], zero_shot: float | None = None) -> list:
    rows = [row("coop", coop, coop, baseline="coop", **task), row("0", found, found, **task)]
    if zero_shot is not None:
        rows.append(row("zero_shot", [zero_shot], [zero_shot], baseline="zero_shot", **task))
    return rows


def test_gains_are_paired_by_seed_and_a_score_without_seeds_stands_against_each() -> None:
    rows = rows_of(TASK, [60.0, 62.0], [61.0, 65.0], zero_shot=40.0)
    found = {each.method: each for each in method_scores(material_of(made=rows))}
    (task,) = found["best found"].gains
    assert found["best found"].gains[task] == [1.0, 3.0]
    assert found["best found"].means[task] == pytest.approx(63.0)
    assert found["zero-shot"].gains[task] == [-20.0, -22.0]
    assert found["zero-shot"].both[task] == ([40.0], [60.0, 62.0])
    assert found["plain CoOp"].gains == {}


def test_the_baseline_is_plain_coop_of_the_same_sweep() -> None:
    sweeps = {"one": rows_of(TASK, [60.0], [61.0]), "two": rows_of(TASK, [50.0], [61.0])}
    found = {each.method: each for each in method_scores(material_of(**sweeps))}
    assert found["best found (two)"].baseline == "plain CoOp (two)"
    assert list(found["best found (two)"].gains.values()) == [[11.0]]
    assert found["plain CoOp (two)"].baseline == ""


def test_a_method_that_lacks_a_task_is_not_ranked() -> None:
    rows = [*rows_of(TASK, [60.0], [61.0], zero_shot=40.0), *rows_of(OTHER, [70.0], [71.0])]
    material = material_of(made=rows)
    ranked = ranked_means(material, method_scores(material))
    assert {method: list(means.values()) for method, means in ranked.items()} == {
        "plain CoOp": [60.0, 70.0],
        "best found": [61.0, 71.0],
    }
    assert unranked_text(method_scores(material), ranked).endswith(": zero-shot (1)")


def test_only_tasks_of_all_sweeps_rank() -> None:
    one = [*rows_of(TASK, [60.0], [61.0]), *rows_of(OTHER, [70.0], [71.0])]
    material = material_of(one=one, two=rows_of(TASK, [50.0], [61.0]))
    ranked = ranked_means(material, method_scores(material))
    assert len(ranked) == 4
    assert {len(means) for means in ranked.values()} == {1}


def test_a_task_whose_trials_have_only_begun_ranks_nobody_and_hinders_nobody() -> None:
    begun = [row("zero_shot", [60.0], [60.0], baseline="zero_shot", **OTHER)]
    material = material_of(made=[*rows_of(TASK, [60.0], [61.0]), *begun])
    ranked = ranked_means(material, method_scores(material))
    assert {len(means) for means in ranked.values()} == {1}


def test_several_shots_of_a_dataset_are_noticed() -> None:
    assert of_one_dataset(material_of(a=made_rows(3)))
    assert not of_one_dataset(material_of(b=made_rows(1)))
