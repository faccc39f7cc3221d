"""A cause that all trials of a study share, met by a real sweep, mended, and the sweep continued."""

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from nemesis_sweep.report.results import read_results
from nemesis_sweep.vlm.registry import _embedded_folder
from tests.cli.real_sweep import mlflow_runs, optuna_trials, run

SWEEP = """
name: shared
tasks: {backbone: [BACKBONES], dataset: digits, shots: 1, replicates: 1}
method: {epochs: 2, views: 1, n_ctx: 2}
space: {omega: {low: 0.1, high: 10, log: true}}
search: {sampler: random, pruner: none, baselines: [zero_shot, coop]}
budget: {trials: 2, max_failures: 0}
resources: {concurrent: 1}
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The shipped model with a weight that does not fit its architecture, which only loading it tells."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for file in (_embedded_folder() / "icon-clip").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    weights = folder / "open_clip_model.safetensors"
    state = load_file(weights)
    state["text_projection"] = state["text_projection"][:, :-1].contiguous()
    save_file(state, weights)
    return folder


def one_line(stderr: str) -> str:
    """The one error; before it may stand how many pictures were encoded."""
    (line,) = [line for line in stderr.splitlines() if line.startswith("error: ")]
    assert line == stderr.splitlines()[-1]
    return line


@pytest.mark.cluster
@pytest.mark.slow
@pytest.mark.parametrize("others", [False, True])
def test_no_trial_is_spent_on_weights_that_do_not_fit(model, tmp_path, monkeypatch, others):
    """The path is relative, and workers are elsewhere. Where another backbone can train, it does."""
    monkeypatch.chdir(tmp_path)
    file, home = tmp_path / "shared.yaml", tmp_path / "home"
    file.write_text(SWEEP.replace("BACKBONES", "./mine, icon-clip" if others else "./mine"))
    answer = run(file, home)
    assert answer.returncode == 2, answer.stdout + answer.stderr
    assert "Traceback" not in answer.stdout + answer.stderr
    expected = "tasks.backbone: ./mine: the weights do not fit the architecture; found "
    assert one_line(answer.stderr).startswith(f"error: {file}:3: {expected}")
    states = {name: trial["state"] for name, trial in optuna_trials(home).items()}
    # One backbone has no part in the studies' names.
    waiting = [name for name in states if "mine" in name or not others]
    assert [states[name] for name in waiting] == ["RUNNING"] and waiting[0].endswith("/zero_shot")
    assert {states[name] for name in states if name not in waiting} == ({"COMPLETE"} if others else set())
    assert ("waits for another run: " in answer.stdout) == others
    if others:
        assert {row.state for row in read_results(home)} == {"COMPLETE", "RUNNING"}

    weights = "open_clip_model.safetensors"
    (model / weights).write_bytes((_embedded_folder() / "icon-clip" / weights).read_bytes())
    answer = run(file, home)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    told = optuna_trials(home)
    assert {trial["state"] for trial in told.values()} == {"COMPLETE"}
    assert len(told) == 4 * (1 + others) and set(told) >= set(states)
    _, runs = mlflow_runs(home)
    assert sorted(each.data.tags["nemesis.trial"] for each in runs) == sorted(told)


@pytest.mark.cluster
@pytest.mark.slow
def test_a_module_that_only_workers_find_broken(tmp_path, monkeypatch):
    """It raises where Ray has started a process: what a package of another version on a node does."""
    broken = tmp_path / "modules"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import sys\n"
        "class Refusing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'open_clip':\n"
        "            raise ImportError('open_clip is too old')\n"
        "if any('default_worker' in word for word in sys.orig_argv):\n"
        "    sys.meta_path.insert(0, Refusing())\n"
    )
    file, home = tmp_path / "shared.yaml", tmp_path / "home"
    file.write_text(SWEEP.replace("BACKBONES", "icon-clip"))
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", str(broken), prepend=":")
        answer = run(file, home)
    assert answer.returncode == 2, answer.stdout + answer.stderr
    assert "ImportError: open_clip is too old (all of it: " in one_line(answer.stderr)
    states = {name.rpartition("/")[2]: trial["state"] for name, trial in optuna_trials(home).items()}
    # The process that measures zero-shot while Ray starts is none of Ray's.
    assert states == {"zero_shot": "COMPLETE", "coop": "RUNNING"}
    assert "Traceback" in (home / "logs/causes.log").read_text()
    answer = run(file, home)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert json.loads(json.dumps(sorted(trial["state"] for trial in optuna_trials(home).values()))) == (
        ["COMPLETE"] * 4
    )
