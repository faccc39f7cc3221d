"""`run --retry-failed` on a real sweep whose trials fail for something that goes away."""

from pathlib import Path

import pytest

from nemesis_sweep.report.results import read_results
from tests.cli.real_sweep import mlflow_runs, optuna_trials, run

SWEEP = """
name: failing
tasks: {dataset: digits, shots: 1, replicates: 1}
method: {epochs: 4, views: 1, n_ctx: 2}
space: {omega: {low: 0.1, high: 10, log: true}}
search: {sampler: random, pruner: none, baselines: [coop], eval_every: 2}
budget: {trials: 2}
"""


@pytest.mark.cluster
@pytest.mark.slow
def test_trials_that_failed_are_trained_again_in_the_same_runs(tmp_path: Path) -> None:
    file, home = tmp_path / "failing.yaml", tmp_path / "home"
    file.write_text(SWEEP)
    study = home / "trials" / "digits-1shot"
    answer = run(file, home, "--trials", "0", "--set", "search.baselines=[]")
    in_the_way = [study / number / "prompt.safetensors" for number in ("coop", "0")]
    for place in in_the_way:
        (place / "full").mkdir(parents=True)
    answer = run(file, home, "--extend")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "2 trials failed; --retry-failed trains them again." in answer.stdout
    before = optuna_trials(home)
    assert sorted((name.rpartition("/")[2], trial["state"]) for name, trial in before.items()) == [
        ("0", "FAIL"),
        ("1", "COMPLETE"),
        ("coop", "FAIL"),
    ]
    answer = run(file, home)
    assert optuna_trials(home) == before, "nothing is tried again without being asked for"

    for place in in_the_way:
        (place / "full").rmdir()
        place.rmdir()
    answer = run(file, home, "--retry-failed")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "2 trials that failed are trained again" in answer.stderr
    after = optuna_trials(home)
    assert {name: trial["params"] for name, trial in after.items()} == {
        name: trial["params"] for name, trial in before.items()
    }
    assert {trial["state"] for trial in after.values()} == {"COMPLETE"}
    assert {trial["reason"] for trial in after.values()} == {""}
    rows = {row.number: row for row in read_results(home)}
    assert {row.state for row in rows.values()} == {"COMPLETE"}
    _, runs = mlflow_runs(home)
    assert sorted(each.data.tags["nemesis.trial"] for each in runs) == sorted(after)
    assert {each.info.status for each in runs} == {"FINISHED"}
