"""`nemesis-sweep bench cost`, small: every loss at every value, and percents that follow from the seconds."""

import json

import pytest
from click.testing import CliRunner

from nemesis_sweep.bench.cost import AXES, parse_axes
from nemesis_sweep.cli import main
from nemesis_sweep.messages.errors import UserError

SMALL = (
    "--arch",
    "icon-clip",
    "--classes",
    "6",
    "--n-ctx",
    "4",
    "--batch",
    "3",
    "--repeats",
    "1",
    "--no-memory",
)


def test_every_loss_is_measured_at_every_value() -> None:
    given = (*SMALL, "--shots", "2", "--axis", "batch=2", "--axis", "shots=1", "--json")
    result = CliRunner().invoke(main, ["bench", "cost", *given])
    assert result.exit_code == 0, result.output
    cases = json.loads(result.stdout)["cases"]
    told = [(case["axis"], case["value"], case["setting"]["batch"], case["shots"]) for case in cases]
    assert told == [("", None, 3, 2), ("batch", 2, 2, 2), ("shots", 1, 3, 1)]
    for case, steps in zip(cases, (4, 6, 2), strict=True):
        losses = {each["loss"]: each for each in case["losses"]}
        assert list(losses) == ["CoOp", "PUN", "PAN 1", "PAN 2", "PAN all"]
        coop = losses["CoOp"]
        assert coop["overhead"] == coop["overhead_uncached"] == 0
        for each in losses.values():
            step = each["step_seconds"]
            assert each["epoch_seconds"] == pytest.approx(steps * step)
            more = step - coop["step_seconds"]
            assert each["overhead"] == pytest.approx(100 * more / coop["step_seconds"])
            whole = coop["step_seconds"] + case["encode_seconds"]
            assert each["overhead_uncached"] == pytest.approx(100 * more / whole)
            assert each["peak_bytes"] is None


def test_a_step_has_no_more_images_than_an_epoch() -> None:
    given = (*SMALL, "--shots", "1", "--axis", "batch=32", "--json")
    result = CliRunner().invoke(main, ["bench", "cost", *given])
    assert result.exit_code == 0, result.output
    _, case = json.loads(result.stdout)["cases"]
    assert (case["value"], case["setting"]["batch"]) == (32, 6)
    for each in case["losses"]:
        assert each["epoch_seconds"] == each["step_seconds"]


def test_a_table_for_every_case() -> None:
    result = CliRunner().invoke(main, ["bench", "cost", *SMALL, "--axis", "replicates=2", "--markdown"])
    assert result.exit_code == 0, result.output
    assert result.stdout.count("| loss | ms a step | s an epoch | over CoOp |") == 2
    assert "replicates 2: icon-clip, 6 classes" in result.stdout


@pytest.mark.parametrize(
    ("axis", "told"),
    [("width=3", "unknown axis"), ("batch=a", "not whole numbers"), ("batch=0", "too small")],
)
def test_an_axis_that_is_none_is_refused(axis, told) -> None:
    with pytest.raises(UserError, match=told):
        parse_axes([axis])


def test_a_value_that_is_given_twice_is_measured_once() -> None:
    assert parse_axes(["batch=2,4,2"]) == parse_axes(["batch=2,4"])


def test_an_axis_has_usual_values() -> None:
    assert parse_axes(["batch", "arch=RN50"]) == {"batch": AXES["batch"], "arch": ("RN50",)}


@pytest.mark.parametrize(
    ("axis", "told"),
    [
        ("arch=RN50,RN51", "unknown backbone; found 'RN51'"),
        ("device=cpu,moon", "unknown device; found 'moon'"),
    ],
)
def test_what_cannot_be_had_is_told_before_anything_is_timed(axis, told) -> None:
    answer = CliRunner().invoke(main, ["bench", "cost", "--arch", "icon-clip", "--axis", axis])
    assert (answer.exit_code, answer.stdout) == (2, "") and told in answer.stderr
    assert "the setting itself" not in answer.stderr
