"""`nemesis-sweep run --simulate` as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nemesis_sweep.cli import main

SWEEP = """
name: short
tasks: {dataset: digits, shots: 1, replicates: 2}
method: {beta: 0, epochs: 10}
space:
  omega: {low: 0.1, high: 100, log: true}
  n_ctx: {choices: [4, 8]}
search: {eval_every: 2}
budget: {trials: 12}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "short.yaml"
    file.write_text(SWEEP)
    return file


def invoke(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_a_simulation_says_so_and_its_home_is_no_real_one(file, tmp_path):
    home = tmp_path / "home"
    result = invoke("run", file, "--simulate", "--workers", 3, "--home", home)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("SIMULATED: 3 workers, nothing is trained")
    assert "best found" in result.stdout
    assert "SIMULATED digits-1shot: best val/accuracy against simulated time" in lines
    assert any(line.startswith("SIMULATED: 15 trials in ") for line in lines)
    status = json.loads(invoke("status", home, "--json").stdout)
    assert status["simulated"] is True
    table = invoke("status", home, "--table").stdout.splitlines()
    begin, end = (
        lines.index("SIMULATED digits-1shot"),
        next(place for place, line in enumerate(lines) if line.startswith("SIMULATED 1 task")),
    )
    assert table[table.index("SIMULATED digits-1shot") :] == lines[begin : end + 1]
    refused = invoke("run", file, "--home", home)
    assert refused.exit_code == 2
    assert "this home holds a simulation" in refused.stderr
    again = invoke("run", file, "--simulate", "--workers", 3, "--home", home)
    assert again.stdout.splitlines()[1:] == [line for line in lines[1:] if "trials/s" not in line]
    quiet = invoke("run", file, "--simulate", "--workers", 3, "--home", home, "--quiet")
    assert [line.split("  ")[0] for line in quiet.stdout.splitlines()] == ["Simulated results"]
    more = invoke("run", file, "--simulate", "--workers", 3, "--home", home, "--trials", 15, "--extend")
    assert "SIMULATED: 18 trials in " in more.stdout


def test_half_an_entry_at_the_end_of_the_journal_is_in_nobodys_way(file, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for home in (whole, broken):
        assert invoke("run", file, "--simulate", "--home", home).exit_code == 0
    journal = broken / "optuna.journal"
    *before, last = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(before) + last[: len(last) // 2])
    told = [
        invoke("run", file, "--simulate", "--home", home, "--trials", 15, "--extend")
        for home in (whole, broken)
    ]
    assert [result.exit_code for result in told] == [0, 0], told[1].output
    assert json.loads(invoke("status", broken, "--json").stdout)["studies"][0]["complete"] > 0
    assert all(json.loads(line) for line in journal.read_text().splitlines())


def test_the_newest_sweep_is_never_a_simulation(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert invoke("run", file, "--simulate", "--trials", 3).exit_code == 0
    for verb in ("status", "stop", "ui"):
        result = invoke(verb)
        assert result.exit_code == 2
        assert "but simulations (short-simulated-tpe-hyperband)" in result.stderr
    recorded = invoke("ui", "sweeps/short-simulated-tpe-hyperband")
    assert recorded.exit_code == 2
    assert "a simulation is not recorded in MLflow" in recorded.stderr


def test_the_front_of_several_objectives_is_shown(file, tmp_path):
    several = ["--set", "search.objective=[val/accuracy, norm/mean]", "--set", "search.pruner=none"]
    result = invoke("run", file, "--simulate", "--home", tmp_path / "home", *several)
    assert result.exit_code == 0, result.output
    assert "on the Pareto front of val/accuracy, norm/mean" in result.stdout
    assert "on the front (trial " in result.stdout


def test_samplers_are_compared_in_homes_of_their_own(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for sampler in ("random", "tpe"):
        result = invoke("run", file, "--simulate", "--trials", 3, "--set", f"search.sampler={sampler}")
        assert result.exit_code == 0, result.output
    homes = sorted(path.name for path in (tmp_path / "sweeps").iterdir())
    assert homes == ["short-simulated-random-hyperband", "short-simulated-tpe-hyperband"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--workers", "3"], "--workers is for --simulate"),
        (["--simulate", "--workers", "1001"], "1001 is not in the range"),
        (
            ["--simulate", "nowhere"],
            "--simulate: no such folder; found 'nowhere'; allowed: the home of a finished",
        ),
        (["--simulate", "."], "it is written when a run ends"),
    ],
)
def test_what_makes_no_sense_is_one_clear_error(file, tmp_path, words, told):
    result = invoke("run", file, "--home", tmp_path / "home", *words)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_it_trains_nothing_and_needs_neither_torch_nor_mlflow(file, tmp_path):
    words = ["run", str(file), "--simulate", "--trials", "2", "--home", str(tmp_path / "home")]
    script = (
        f"import sys\nfrom nemesis_sweep.cli import main\nmain({words}, standalone_mode=False)\n"
        "sys.exit(bool({'torch', 'open_clip', 'mlflow'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=False).returncode == 0
