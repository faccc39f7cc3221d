"""`nemesis-sweep bench sweep`: the whole job both ways, tiny here."""

from __future__ import annotations

import copy
import json
import math
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nemesis_sweep.bench import sweep
from nemesis_sweep.bench.public_run import Result as PublicResult
from nemesis_sweep.bench.sweep import MEAN, MOST, Run, agreement
from nemesis_sweep.bench.sweep_tables import GOAL, sweep_tables
from nemesis_sweep.bench.whole_job import WholeJob, write_sweep
from nemesis_sweep.cli import main
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.sweep.row import Row
from tests.ray_cluster import children, wait_for

SMALL = [
    "--trials",
    "2",
    "--replicates",
    "1",
    "--shots",
    "4",
    "--epochs",
    "2",
    "--n-ctx",
    "4",
    "--views",
    "2",
]


def bench(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["bench", "sweep", *arguments])


@pytest.mark.cluster
@pytest.mark.slow
def test_both_ways_find_the_same_accuracies(pictures):
    result = bench("--dataset", str(pictures), *SMALL, "--pruner", "median", "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert (figures["public_runs"], figures["measured_runs"], figures["extrapolated"]) == (2, 2, False)
    found = figures["agreement"]
    assert found["agree"]
    assert [(run["trial"], run["seed"]) for run in found["runs"]] == [(0, 1), (1, 1)]
    assert all(run["public"] == pytest.approx(run["ours"]) for run in found["runs"])
    public, ours, pruned = figures["public_seconds"], figures["ours_seconds"], figures["pruned"]
    assert public == pytest.approx(2 * sum(figures["public_run_seconds"].values()))
    assert min(figures["public_run_seconds"].values()) > 0
    assert figures["public_over_ours"] == pytest.approx(public / ours)
    assert pruned["public_over_ours"] == pytest.approx(public / pruned["seconds"])
    assert pruned["pruner"] == "median"
    assert 0 <= pruned["stopped"] < 2
    assert figures["best"] in [run["ours"] for run in found["runs"]]


def figures_of(job: WholeJob, measured: int) -> dict[str, Any]:
    """What a measurement of so many runs gives, with invented times."""
    runs = [Run(run // 3, 1, 50.0, PublicResult(40.0, 40.0, 2.0)) for run in range(measured)]
    rows = [
        Row(study="s", number="0", params=point, replicates={"test/accuracy": [40.0] * job.replicates})
        for point in job.points
    ]
    return {
        "job": asdict(job),
        "machine": sweep.describe_machine(),
        "public_runs": job.trials * job.replicates,
        "measured_runs": measured,
        "extrapolated": measured < job.trials * job.replicates,
        "public_seconds": 3000.0,
        "public_run_seconds": {"start": 8.0, "training": 40.0, "test": 2.0},
        "ours_seconds": 100.0,
        "public_over_ours": 30.0,
        "best": 41.5,
        "agreement": agreement(job, runs, rows),
        "pruned": {
            "pruner": "hyperband",
            "seconds": 40.0,
            "public_over_ours": 75.0,
            "stopped": 11,
            "best": 41.0,
        },
    }


def test_what_was_not_measured_is_said():
    text = sweep_tables(figures_of(WholeJob(), 9), as_markdown=False)
    assert "20 trials x 3 seeds: icon-clip, clipart, 16 shots" in text
    assert "9 of 60 public runs were measured; the others are taken to last as long" in text
    assert "A run takes 50.0 s: start 8.0 s, training 40.0 s, test 2.0 s." in text
    assert "30.0x" in text
    assert "75.0x" in text
    assert "hyperband, 11 of 20 stopped early" in text
    assert f"allowed: {MOST:g} and {MEAN:g}" in text
    assert "To reach: at least 60 x; **missed**." in text
    assert "extrapolated" not in sweep_tables(figures_of(WholeJob(trials=3), 9), as_markdown=False)


def test_the_goal_is_that_of_the_default_job():
    """However many of its runs are measured."""
    figures = figures_of(WholeJob(measure=1), 3) | {"public_over_ours": 61.0}
    assert GOAL.reached(figures)
    assert "at least 60 x; reached" in sweep_tables(figures, as_markdown=True)
    assert "To reach" not in sweep_tables(figures_of(WholeJob(epochs=3), 3), as_markdown=True)


@pytest.mark.parametrize("pan", [0, 2])
def test_the_sweep_file_has_the_trials_of_the_public_runs(pan, tmp_path):
    job = WholeJob(trials=7, pan=pan, views="epochs")
    write_sweep(job, "none", tmp_path / "sweep.yaml")
    sweep_file = load_sweep(tmp_path / "sweep.yaml")
    assert sweep_file.search.points == job.points
    assert sweep_file.budget.trials == 7 == len({json.dumps(point) for point in job.points})
    assert list(sweep_file.tasks.seeds) == [run.seed for run in job.runs(3)] == [1, 2, 3]
    fixed = sweep_file.method.fixed()
    for run in job.runs(3):
        assert run.method == fixed | job.points[3]
    assert ("corruption" in job.points[0]) is bool(pan)
    assert fixed["beta"] == (0 if pan else 1)


def test_never_more_trials_are_measured_than_there_are():
    assert WholeJob(trials=2, measure=5).measured == 2


ACCURATE = PublicResult(50.0, 1.0, 1.0)


def compared(ours: list[float], job: WholeJob) -> dict[str, Any]:
    rows = [Row(study="s", number="0", params=job.points[0], replicates={"test/accuracy": ours})]
    return agreement(job, [Run(0, seed, 1.0, ACCURATE) for seed in job.seeds], rows)


def test_accuracies_agree_within_the_tolerance():
    job = WholeJob(trials=1)
    assert compared([50.0, 50.0, 50.0 + 2.9 * MEAN], job)["agree"]
    assert not compared([50.0, 50.0, 50.0 + 3.1 * MEAN], job)["agree"]
    assert compared([50.0, 49.0, 50.0], job)["most"] == 1.0
    many = replace(job, replicates=20)
    assert not compared([50.0] * 19 + [50.0 + 1.1 * MOST], many)["agree"]


def test_a_trial_that_is_not_there_or_failed_does_not_agree():
    job = WholeJob(trials=1, replicates=1)
    failed = compared([math.nan], job)
    assert not failed["agree"]
    assert failed["runs"][0]["ours"] is None
    assert not agreement(job, [Run(0, 1, 1.0, ACCURATE)], [])["agree"]


def test_accuracies_that_differ_end_with_1_and_are_said(monkeypatch, tmp_path):
    figures = figures_of(WholeJob(), 9)
    apart = copy.deepcopy(figures)
    apart["agreement"] |= {"agree": False, "most": 7.0, "mean": 1.5}
    page = tmp_path / "page.md"
    page.write_text("<!-- sweep -->\nold\n<!-- end of sweep -->\n")
    monkeypatch.setattr(sweep, "measure_sweep", lambda job, say: apart)
    result = bench("--into", str(page))
    assert result.exit_code == 1
    assert "error: Test accuracies of 9 runs are NOT the same: at most 7.00 points apart" in result.stderr
    assert "old" in page.read_text()
    monkeypatch.setattr(sweep, "measure_sweep", lambda job, say: figures)
    result = bench("--into", str(page), "--markdown")
    assert result.exit_code == 0
    assert page.read_text() == f"<!-- sweep -->\n{result.stdout}<!-- end of sweep -->\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--backbone", "icon-clap"], "tasks.backbone: unknown backbone"),
        (["--dataset", "clipert"], "Did you mean 'clipart'?"),
        (["--pan", "17"], "method.n_positions: more positions than context vectors"),
        (["--views", "all"], "method.views: not an allowed value"),
        (["--measure", "0"], "0 is not in the range"),
        (["--pruner", "hyperbnd"], "'hyperband'"),
        (["--into", "/nowhere/page.md"], "cannot be read"),
    ],
)
def test_bad_input_ends_with_2_before_anything_runs(arguments, words):
    result = bench(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stdout == ""


def test_data_that_is_not_there_is_told_by_the_first_run(tmp_path):
    result = bench("--dataset", str(tmp_path / "none"))
    assert result.exit_code == 2
    assert "a public run failed: no such file or folder" in result.stderr


def test_a_sweep_that_ends_badly_says_its_last_line(tmp_path, monkeypatch):
    """A home that cannot be: a file stands in its place."""
    monkeypatch.chdir(tmp_path)
    write_sweep(WholeJob(), "none", tmp_path / "none.yaml")
    Path("none").write_text("")
    with pytest.raises(UserError, match="the sweep ended with 2: error: "):
        sweep._sweep(tmp_path, "none", lambda line: None)


def command_of(pid: int) -> bytes:
    file = Path(f"/proc/{pid}/cmdline")
    return file.read_bytes() if file.exists() else b""


@pytest.mark.slow
def test_what_was_started_ends_with_it(pictures, tmp_path):
    """SIGTERM in the middle of a public run: no process and no folder is left."""
    line = [sys.executable, "-m", "nemesis_sweep", "bench", "sweep", "--dataset", str(pictures)]
    with subprocess.Popen(
        [*line, "--epochs", "100000"], stderr=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(tmp_path)}
    ) as process:
        wait_for(lambda: any(b"public_run" in command_of(one) for one in children(process.pid)), [process])
        (public,) = children(process.pid)
        process.terminate()
        assert process.wait(60) == 1
    # Dead, though where nobody waits for it, it may still have a number.
    wait_for(lambda: not command_of(public), [], 10)
    assert not list(tmp_path.glob("nemesis-sweep-bench-*"))
