"""Which methods stand side by side on a task."""

from __future__ import annotations

from tests.report.conftest import row
from tests.report.page.materials import material_of


def rows(task: str, coop: float) -> list:
    named = {"study": task, "task": task}
    return [
        row("coop", [coop, coop + 1], [58, 59], baseline="coop", omega=0.0, **named),
        row("0", [61, 62], [50, 51], **named),
        row("1", [63, 64], [52, 53], **named),
    ]


def test_where_plain_coop_wins_on_a_task_the_best_of_the_search_stands_on_all() -> None:
    """On those alone it would be compared on the tasks where it is worst."""
    material = material_of(sweep=[*rows("a-1shot", 80), *rows("b-1shot", 40)])
    shown = [[(each.method, each.row.number) for each in task.contenders] for task in material.tasks]
    assert shown == [
        [("plain CoOp", "coop"), ("best of the search", "1"), ("best found", "coop")],
        [("plain CoOp", "coop"), ("best of the search", "1"), ("best found", "1")],
    ]
    control = row("control-of-1", [9, 9], [9, 9], baseline="control", study="a-1shot", task="a-1shot")
    (task,) = material_of(sweep=[*rows("a-1shot", 80), control]).tasks
    assert [each.row.number for each in task.contenders] == ["coop", "1", "coop", "control-of-1"]
    (task,) = material_of(sweep=rows("b-1shot", 40)).tasks
    assert [each.method for each in task.contenders] == ["plain CoOp", "best found"]


def test_where_the_papers_setting_wins_its_own_control_is_shown() -> None:
    task = {"study": "a-1shot", "task": "a-1shot"}
    paper = row("paper", [90, 90], [60, 60], baseline="paper", **task)
    control = row("control-of-paper", [9, 9], [9, 9], baseline="control", **task)
    (shown,) = material_of(sweep=[*rows("a-1shot", 80), paper, control]).tasks
    assert [each.row.number for each in shown.contenders] == [
        "coop",
        "paper",
        "1",
        "paper",
        "control-of-paper",
    ]


def test_a_loss_has_a_row_on_every_task_that_tried_it() -> None:
    """Also where no other was tried: else it would be averaged over the rest of the tasks alone."""
    tasks = [{"study": name, "task": name} for name in ("a-1shot", "b-1shot")]
    pan, pun = ({"omega": 1.0, "beta": beta} for beta in (0.0, 1.0))
    made = [
        row("0", [61, 62], [50, 51], params=pun, **tasks[0]),
        row("1", [60, 61], [50, 51], params=pan, **tasks[0]),
        row("0", [61, 62], [50, 51], params=pun, **tasks[1]),
    ]
    shown = [[each.method for each in task.contenders] for task in material_of(sweep=made).tasks]
    assert shown == [["best PUN", "best PAN", "best found"], ["best PUN", "best found"]]
