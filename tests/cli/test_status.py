"""`nemesis-sweep status` of a sweep that is under way, from what its home holds, without torch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from optuna.trial import TrialState

from nemesis_sweep.cli import main
from nemesis_sweep.report.closing import print_closing
from nemesis_sweep.report.leaderboard import leaderboard
from nemesis_sweep.report.results import read_results
from nemesis_sweep.spec.dump import sweep_to_yaml
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.names import known_names
from nemesis_sweep.sweep.result import Result
from nemesis_sweep.sweep.runner import open_studies
from nemesis_sweep.sweep.worker.result import write_result
from tests.cli.real_sweep import SWEEP

TEST = {"coop": 40.0, "paper": 42.0, "0": 45.0}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Plain CoOp, the paper's setting and a trial are complete, another one runs, and a control may come."""
    file = tmp_path / "short.yaml"
    file.write_text(SWEEP)
    sweep = load_sweep(file, ("search.baselines=[coop, paper, control]",), known_names())
    home = Home(tmp_path / "home")
    home.create()
    home.sweep_file.write_text(sweep_to_yaml(sweep))
    (study,) = open_studies(sweep, home)
    for level in (50.0, 51.0, 53.0):
        proposal = study.next()
        assert proposal is not None
        accuracies = {"val/accuracy": [level, level + 1], "test/accuracy": [TEST[proposal.number]] * 2}
        write_result(
            home.trial(study.key, proposal.number),
            Result(
                study=study.key,
                task=study.key,
                number=proposal.number,
                baseline=proposal.baseline,
                params=dict(proposal.params),
                config=proposal.method.model_dump(),
                seeds=[1, 2],
                epochs=60,
                metrics={name: sum(values) / 2 for name, values in accuracies.items()},
                replicates=accuracies,
                failed_seeds=[],
                seconds=1.0,
                selected_share=[[0.02] * 8] * 2 if proposal.number == "0" else None,
            ),
        )
        study.tell(proposal.number, TrialState.COMPLETE, level + 0.5, 1.0)
    study.next()
    return home.path


def status(home: Path, *options: str) -> str:
    result = CliRunner().invoke(main, ["status", str(home), *options])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_best_is_shown_with_its_accuracy_on_test(home: Path) -> None:
    (row,) = [line for line in status(home).splitlines() if "digits" in line]
    assert "53.50 (0)" in row and "45.00" in row
    (study,) = json.loads(status(home, "--json"))["studies"]
    assert (study["best_trial"], study["best_value"], study["best_test"]) == ("0", 53.5, 45.0)


def test_the_leaderboard_of_a_sweep_under_way_says_that_it_is_not_over(home: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}
    told = status(home, "--table")
    assert "so far: " in told and "plain CoOp" in told
    assert "best found (trial 0)  53.5 ± 0.7  45.0 ± 0.0  +5.0" in told
    assert "among 3 complete trials" in told
    assert told.splitlines()[-1].startswith("so far: 1 task: ")
    # Nothing is written: a driver may be at work.
    assert before == {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}


def test_the_leaderboard_is_there_for_programs(home: Path) -> None:
    assert "leaderboard" not in json.loads(status(home, "--json"))
    told = json.loads(status(home, "--json", "--table"))
    (board,) = told["leaderboard"]
    assert told["verdict"].startswith("1 task: ")
    assert [row["label"] for row in board["rows"]] == ["plain CoOp", "paper's setting", "best found"]
    best = board["rows"][-1]
    assert (best["number"], best["val"]["mean"], best["test"]["mean"]) == ("0", 53.5, 45.0)
    assert (best["gain"]["mean"], best["gain"]["n"]) == (5.0, 2)
    assert best["selected"] == pytest.approx(16.0)
    assert best["params"].keys() == {"omega", "n_ctx"}
    assert board["verdict"].startswith("digits-1shot")


def test_a_result_that_cannot_be_believed_leaves_the_objective(home: Path) -> None:
    (result,) = home.glob("trials/*/0/result.json")
    result.write_text(result.read_text().replace("45.0", "99.0"))
    (study,) = json.loads(status(home, "--json"))["studies"]
    assert (study["best_value"], study["best_test"]) == (53.5, None)
    assert "99.0" not in status(home, "--table")


def test_neither_torch_nor_ray_nor_mlflow_is_needed(home: Path) -> None:
    script = (
        "import sys\nfrom nemesis_sweep.cli import main\n"
        f"main(['status', {str(home)!r}, '--table'], standalone_mode=False)\n"
        "sys.exit(bool({'torch', 'open_clip', 'ray', 'mlflow'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=False).returncode == 0


def watching(home: Path) -> subprocess.Popen[str]:
    """`status --watch` in a process of its own, which has shown something."""
    line = [sys.executable, "-m", "nemesis_sweep", "status", str(home), "--watch", "0.2"]
    pipe = subprocess.PIPE
    wide = {**os.environ, "COLUMNS": "400"}
    process = subprocess.Popen(line, stdout=pipe, stderr=pipe, text=True, start_new_session=True, env=wide)
    assert process.stdout is not None
    assert "running (process" in process.stdout.readline()
    return process


def test_it_is_watched_until_nobody_runs_it(home: Path) -> None:
    with Home(home).driver_lock():
        process = watching(home)
        assert process.stdout is not None
        assert any("running (process" in process.stdout.readline() for _ in range(20))
    told, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert told.count(": not running; ") == 1


def test_ctrl_c_ends_the_watching_without_a_traceback(home: Path) -> None:
    with Home(home).driver_lock():
        process = watching(home)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--watch", "soon"], "error: --watch: not a number of seconds; found 'soon'; allowed: from 0.1"),
        (["--watch", "--json"], "--watch shows tables anew, --json prints one object: one of them"),
    ],
)
def test_what_cannot_be_watched(home: Path, words: list[str], told: str) -> None:
    result = CliRunner().invoke(main, ["status", str(home), *words])
    assert result.exit_code == 2 and told in result.stderr


@pytest.mark.cluster
def test_a_finished_sweep_shows_the_tables_that_it_ended_with(finished: Path) -> None:
    from io import StringIO

    from rich.console import Console

    told = status(finished / "home", "--table")
    written = StringIO()
    print_closing(finished / "home", leaderboard(read_results(finished / "home")), Console(file=written))
    shown = written.getvalue().partition("\n\nResults")[0].rstrip()
    assert told.rstrip().endswith(shown)
    assert "so far" not in told
