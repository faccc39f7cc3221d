"""Many tasks are spread over pictures that each fit a sheet of paper."""

import pytest

from nemesis_sweep.report.page.sheets import ROWS, sheets
from nemesis_sweep.report.page.style import ACROSS


@pytest.mark.parametrize(
    ("tasks", "parts"),
    [(0, []), (1, [1]), (12, [12]), (13, [9, 4]), (24, [12, 12]), (30, [12, 12, 6])],
)
def test_all_tasks_are_shown_once_in_their_order(tasks: int, parts: list[int]) -> None:
    found = list(sheets(list(range(tasks))))
    assert [len(part) for _, part in found] == parts
    assert [task for _, part in found for task in part] == list(range(tasks))


@pytest.mark.parametrize("across", [2, ACROSS, 4])
def test_no_sheet_has_more_rows_than_fit(across: int) -> None:
    for tasks in range(1, 60):
        assert all(len(part) <= across * ROWS for _, part in sheets(range(tasks), across))


def test_a_single_picture_has_no_number() -> None:
    ((sheet, _),) = sheets(range(3))
    assert (sheet.name("history"), sheet.title("History")) == ("history", "History")


def test_several_are_numbered() -> None:
    last, _ = list(sheets(range(30)))[-1]
    assert (last.name("history"), last.title("History")) == ("history-3", "History (3 of 3)")
