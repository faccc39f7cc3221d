from __future__ import annotations

import pytest

from nemesis_sweep.report.page.label_lines import label_lines


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("best found", "best found"),
        ("best found (a-long-name-of-a-sweep)", "best found\n(a-long-name-of-a-sweep)"),
        ("best a-method-of-ones-own-with-a-long-name", "best a-method-of-…ong-name"),
    ],
)
def test_a_long_name_is_on_two_lines_or_loses_its_middle(name: str, label: str) -> None:
    assert label_lines(name) == label
    assert max(map(len, label_lines(name).split("\n"))) <= 26
