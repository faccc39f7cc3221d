"""The layout of papers: columns, averages, and H of base-to-new."""

from __future__ import annotations

import statistics

import pytest

from nemesis_sweep.report.page.tables.published import PIECE
from tests.report.page.materials import material_of, table_of


def task(make_row, dataset: str, shots: int, best: float, **more):
    """Plain CoOp and a trial on a task."""
    of = {"study": f"{dataset}-{shots}shot", "dataset": dataset, "shots": shots, **more}
    coop = make_row("coop", [50.0, 52.0, 54.0], [50.0] * 3, baseline="coop", **of)
    return [coop, make_row("0", [60.0] * 3, [best] * 3, **of)]


def cells(table, line: int = -1) -> dict[str, object]:
    """A row's means by the names of the columns."""
    told = zip(table.columns, table.lines[line].cells, strict=True)
    return {column.name: getattr(cell, "mean", cell) for column, cell in told}


def test_shots_of_one_dataset_are_columns(make_row) -> None:
    rows = [*task(make_row, "digits", 4, 60.0), *task(make_row, "digits", 1, 55.0)]
    table = table_of(PIECE, material_of(made=rows))
    assert cells(table) == {"method": "best found", "1 shot": 55.0, "4 shots": 60.0, "average": 57.5}


def test_datasets_are_columns_of_a_table_for_each_number_of_shots(make_row) -> None:
    rows = [row for data in ("digits", "emoji") for n in (1, 4) for row in task(make_row, data, n, 50.0 + n)]
    one, four = PIECE.make(material_of(made=rows))
    assert (one.name, four.name) == ("published-1shot", "published-4shot")
    assert cells(four) == {"method": "best found", "digits": 54.0, "emoji": 54.0, "average": 54.0}


def test_an_average_stands_only_where_every_column_has_a_value(make_row) -> None:
    of = {"study": "digits-1shot", "dataset": "digits", "shots": 1}
    zero_shot = make_row("zero_shot", [9.0], [9.0], baseline="zero_shot", **of)
    rows = [*task(make_row, "digits", 1, 60.0), *task(make_row, "emoji", 1, 55.0), zero_shot]
    table = table_of(PIECE, material_of(made=rows))
    assert cells(table, 0) == {"method": "zero-shot", "digits": 9.0, "emoji": None, "average": None}
    assert cells(table)["average"] == 57.5


def test_the_average_h_is_that_of_the_averages(make_row) -> None:
    rows = []
    for data, base, new in (("digits", 80.0, 40.0), ("emoji", 60.0, 60.0)):
        h = statistics.harmonic_mean([base, new])
        metrics = {"test/base": base, "test/new": new, "test/H": h, "test/accuracy": h, "val/accuracy": 1.0}
        told = {"metrics": metrics, "replicates": {name: [value] for name, value in metrics.items()}}
        rows += task(make_row, data, 16, h, protocol="base_to_new", **told)
    found = cells(table_of(PIECE, material_of(made=rows)))
    assert (found["average base"], found["average new"]) == (70.0, 50.0)
    assert found["average H"] == pytest.approx(2 * 70 * 50 / 120)
    assert found["digits H"] == pytest.approx(53.33, abs=0.01)


def test_a_table_in_which_nothing_was_measured_is_left_out(make_row) -> None:
    rows = task(make_row, "digits", 1, 55.0, protocol="base_to_new")
    assert list(PIECE.make(material_of(made=rows))) == []


def test_the_caption_names_what_was_selected_and_on_what(make_row) -> None:
    of = {"study": "digits-1shot", "dataset": "digits", "shots": 1}
    probe = make_row("linear_probe", [70.0] * 3, [70.0] * 3, baseline="linear_probe", **of)
    made = material_of(("val/loss",), made=[*task(make_row, "digits", 1, 60.0), probe])
    told = table_of(PIECE, made).caption
    assert (
        "Selected on val/accuracy: linear probe; selected on val/loss: best of the search, best found; "
        in told
    )


def transferred(make_row, shots: int, **targets: float):
    """Plain CoOp and a trial of domain generalisation, with the accuracy on each target."""
    of = {
        "study": f"digits-{shots}shot",
        "dataset": "digits",
        "shots": shots,
        "protocol": "domain_generalization",
    }
    tested = {f"test/{name}": [value] * 3 for name, value in targets.items()}
    accuracies = {
        "val/accuracy": [60.0] * 3,
        "test/accuracy": [50.0] * 3,
        "test/source": [70.0] * 3,
        **tested,
    }
    means = {name: values[0] for name, values in accuracies.items()}
    return [
        make_row("coop", [60.0] * 3, [50.0] * 3, baseline="coop", metrics=means, replicates=accuracies, **of)
    ]


def test_columns_of_domains_name_their_task_where_there_are_several(make_row) -> None:
    one, four = (transferred(make_row, shots, ink=40.0 + shots) for shots in (1, 4))
    assert cells(table_of(PIECE, material_of(made=one))) == {
        "method": "best found",
        "source": 70.0,
        "ink": 41.0,
    }
    both = cells(table_of(PIECE, material_of(made=[*one, *four])))
    assert both == {
        "method": "best found",
        "1 shot source": 70.0,
        "1 shot ink": 41.0,
        "4 shots source": 70.0,
        "4 shots ink": 44.0,
        "average of targets": 42.5,
    }


def test_sweeps_with_other_targets_have_tasks_of_their_own(make_row) -> None:
    """Their test accuracies are means over other domains."""
    made = material_of(one=transferred(make_row, 1, ink=40.0), two=transferred(make_row, 1, line=60.0))
    for sweep, name in zip(made.sweeps, ("ink", "line"), strict=True):
        sweep.sweep.tasks.__dict__["targets"] = (name,)
    assert [task.label for task in made.tasks] == [
        "digits 1-shot domain generalization to ink",
        "digits 1-shot domain generalization to line",
    ]
