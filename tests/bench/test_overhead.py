"""`nemesis-sweep bench overhead`: a real sweep, small here."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from nemesis_sweep.bench.overhead import overhead_lines, overhead_sweep
from nemesis_sweep.bench.stopwatch import Stopwatch
from nemesis_sweep.cli import main


@pytest.mark.cluster
@pytest.mark.slow
def test_one_json_object_with_figures_that_agree_with_each_other():
    result = CliRunner().invoke(main, ["bench", "overhead", "--trials", "3", "--json"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout.strip().splitlines()[-1])
    assert (figures["trials"], figures["workers"]) == (3, 1)
    assert figures["training_seconds"] > 0
    share = (figures["seconds"] - figures["training_seconds"]) / 3
    assert figures["overhead_seconds"] == pytest.approx(share)
    assert f"{share:.3f} s" in overhead_lines(figures)


def test_trials_that_load_what_stays_warm_come_on_top():
    assert overhead_sweep(60, 2).budget.trials == 64


def test_the_stopwatch_tells_the_time_between_two_ends():
    told = []
    watch = Stopwatch(4, told.append, every=2)
    for number in range(4):
        watch.trial_finished("s", str(number), "COMPLETE", 1.0, 2.0)
    assert [end.number for end in watch.ends] == ["", "0", "1", "2", "3"]
    assert watch.between(1, 4)[0] == watch.ends[4].wall - watch.ends[1].wall >= 0
    assert [line.split(",")[0] for line in told] == ["2 of 4 trials", "4 of 4 trials"]


@pytest.mark.parametrize("arguments", ["--trials 0", "--workers 0", "--trails 3"])
def test_bad_input_ends_with_2(arguments):
    result = CliRunner().invoke(main, ["bench", "overhead", *arguments.split()])
    assert result.exit_code == 2
    assert "Traceback" not in result.output
