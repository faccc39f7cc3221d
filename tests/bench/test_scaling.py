"""`nemesis-sweep bench scaling` and `bench goals`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from nemesis_sweep.bench.goals import CASES, GOALS, IN_TURN, measure_pair
from nemesis_sweep.bench.machine import describe_machine
from nemesis_sweep.bench.scaling import AXES, parse_axes
from nemesis_sweep.bench.tables import goal_tables
from nemesis_sweep.bench.workload import IMPLEMENTATIONS, Setting
from nemesis_sweep.cli import main
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.prompts import PROMPTS

SMALL = ["--arch", "icon-clip", "--classes", "6", "--n-ctx", "4", "--batch", "3", "--repeats", "1"]


def scaling(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["bench", "scaling", *arguments])


def test_every_axis_changes_one_thing_and_starts_at_1():
    numbers = {"classes": [4, 8], "n_ctx": [2, 6], "replicates": [1, 2], "pan": [0, 2]}
    chosen = numbers | {"prompt": ["coop", "plot"]}
    axes = [f"--axis={axis}={','.join(map(str, values))}" for axis, values in chosen.items()]
    result = scaling(*SMALL, *axes, "--no-memory", "--json")
    assert result.exit_code == 0, result.output
    tables = json.loads(result.stdout)["axes"]
    assert {axis: [point["value"] for point in points] for axis, points in tables.items()} == chosen
    for points in tables.values():
        assert points[0]["over_first"] == 1
        assert points[1]["over_first"] == pytest.approx(points[1]["seconds"] / points[0]["seconds"])
        assert points[1]["peak_bytes"] is None


@pytest.mark.slow
def test_a_table_per_axis_with_memory_also_in_a_document(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("above\n<!-- scaling -->\n<!-- end of scaling -->\n")
    result = scaling(*SMALL, "--axis", "classes=4", "--markdown", "--into", str(path))
    assert result.stdout in path.read_text()
    assert "| classes | seconds a step | times the first | peak MiB beyond the weights |" in result.stdout
    row = next(line for line in result.stdout.splitlines() if line.startswith("| 4 |"))
    assert float(row.split("|")[4]) > 0


def test_the_usual_values_reach_from_10_to_1000_classes():
    assert parse_axes([]) == {name: values for name, values in AXES.items() if name != "prompt"}
    assert (AXES["classes"][0], AXES["classes"][-1]) == (10, 1000)
    assert parse_axes(["pan", "n_ctx=3,5"]) == {"pan": AXES["pan"], "n_ctx": (3, 5)}
    assert parse_axes(["prompt"])["prompt"] == tuple(PROMPTS)


@pytest.mark.parametrize(
    ("axis", "words"),
    [
        ("speed", "unknown axis"),
        ("classes=a", "whole numbers"),
        ("classes=0", "too small"),
        ("pan=-1", "small"),
        ("prompt=coop,koop", "no kind of prompt"),
    ],
)
def test_a_bad_axis_is_refused(axis, words):
    with pytest.raises(UserError, match=words):
        parse_axes([axis])


def test_a_pair_is_timed_in_turn():
    over, under = (Setting("icon-clip", classes=6, n_ctx=4, batch=3, pan=pan, repeats=3) for pan in (1, 0))
    figures = measure_pair(over, under, lambda line: None)
    assert figures["ratio"] > 0
    assert min(figures["over_seconds"], figures["under_seconds"]) > 0


def made_up(plain_over_ours: float) -> dict:
    step = {
        "machine": describe_machine(),
        "public_over_ours": 30.0,
        "plain_over_ours": plain_over_ours,
        "plain_over_ours_memory": None,
        "peak_share": 0.52,
        "max_gradient_difference": 1e-6,
        **{f"{name}_seconds": 2.0 for name in IMPLEMENTATIONS},
        **{f"{name}_peak_bytes": 2**30 for name in IMPLEMENTATIONS},
    }
    cases = {name: step | {"setting": vars(setting)} for name, setting in CASES.items()}
    return cases | {name: {"over_seconds": 3.0, "under_seconds": 2.0, "ratio": 1.5} for name in IN_TURN}


def test_goals_tell_what_was_reached_and_what_was_not():
    table = goal_tables(made_up(plain_over_ours=20.0))
    assert "| text step, 100 classes, plain / ours | at least 14 x | 20.00 x | reached |" in table
    assert "| text step, 400 classes, plain / ours | at least 22 x | 20.00 x | **missed** |" in table
    assert "| peak memory of that step, plain / ours | at least 10 x | - | not measured |" in table
    assert "| peak memory at 1000 such classes, ours | at most 2.5 GiB | 1.00 GiB | reached |" in table
    assert "| share of matrix-product peak, 100 classes | at least 50 % | 52 % | reached |" in table
    assert len(GOALS) == 20
    assert table.count("reached |") == 15


def test_a_part_of_the_goals_is_named_and_goes_into_no_page(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("<!-- goals -->\n<!-- end of goals -->\n")
    runner = CliRunner()
    unknown = runner.invoke(main, ["bench", "goals", "--only", "nothing"])
    assert unknown.exit_code == 2 and "no such case" in unknown.stderr
    refused = runner.invoke(main, ["bench", "goals", "--only", "kgcoop", "--into", str(path)])
    assert refused.exit_code == 2 and "--only" in refused.stderr
    part = made_up(plain_over_ours=20.0)
    name = "kgcoop step / coop step, ours"
    table = goal_tables({name: part[name]})
    assert f"| {name} | at most 1.1 x | 1.50 x | **missed** |" in table
    assert "text step" not in table


def test_goals_refuse_a_document_without_marks_before_measuring(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("nothing here")
    result = CliRunner().invoke(main, ["bench", "goals", "--into", str(path)])
    assert result.exit_code == 2
    assert "marks" in result.stderr
