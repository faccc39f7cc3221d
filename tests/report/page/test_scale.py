from __future__ import annotations

import pytest
import yaml

from nemesis_sweep.report.page.scale import Scale, numeric_scale, scales_of, tick_text
from nemesis_sweep.spec.sections import read_sections

SPACE = """
name: made
tasks: {dataset: digits}
space:
  prompt:
    choices:
      coop: {lr: {low: 0.001, high: 0.01, log: true}}
      ptuning: {lr: {low: 0.01, high: 0.1, log: true}, optimiser: {choices: [adam]}}
  n_ctx: {low: 2, high: 4}
"""


@pytest.fixture(scope="module")
def scales():
    sweep, faults = read_sections(yaml.safe_load(SPACE), None)
    assert sweep is not None, faults
    return scales_of(sweep.space)


def test_a_dimension_in_two_places_has_room_for_both(scales) -> None:
    assert (scales["lr"].low, scales["lr"].high) == (0.001, 0.1)
    assert scales["lr"].place(0.01) == pytest.approx(0.5)


def test_a_dimension_that_leaves_no_choice_has_no_axis(scales) -> None:
    assert list(scales) == ["prompt", "lr", "n_ctx"]


def test_choices_stand_side_by_side_and_numbers_among_them_by_size(scales) -> None:
    assert scales["prompt"].place("ptuning") == 0.75
    assert scales["prompt"].place("plot") is None


def test_whole_numbers_have_whole_ticks(scales) -> None:
    assert [text for _, text in scales["n_ctx"].ticks()] == ["2", "3", "4"]


def test_zero_stands_left_of_a_logarithmic_axis_and_only_there() -> None:
    scale = numeric_scale("omega", [0, 1, 100])
    assert scale.place(0) == scale.ends[0] < 0
    assert scale.place(10) == pytest.approx(0.5)
    assert numeric_scale("omega", [1, 100]).place(0) is None


@pytest.mark.parametrize(("low", "high"), [(0.1, 100), (1, 1e12), (3, 5), (0.002, 0.05), (1e-6, 1e-5)])
def test_a_logarithmic_axis_has_a_few_ticks_within_it(low, high) -> None:
    ticks = Scale("x", low, high, log=True).ticks()
    assert 2 <= len(ticks) <= 6
    assert all(-1e-9 <= place <= 1 + 1e-9 for place, _ in ticks)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.002, "0.002"),
        (1e-5, "1e-5"),
        (100.0, "100"),
        (True, "True"),
        ("a very long choice", "a very long…"),
    ],
)
def test_ticks_are_short(value, text) -> None:
    assert tick_text(value) == text
