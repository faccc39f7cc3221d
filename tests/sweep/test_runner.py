"""The runner with a real Ray: fractions of logical GPUs, failures, requests that can never be met."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
from optuna.trial import TrialState

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.sweep.home import episodes, images
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.names import known_names
from nemesis_sweep.sweep.outcome import has_complete
from nemesis_sweep.sweep.runner import open_studies, run_sweep
from tests.data import layouts


def test_a_study_is_empty_until_a_trial_that_trains_a_prompt_is_complete(make_sweep, open_study):
    study = open_study(make_sweep())
    told = {}
    for state in (TrialState.COMPLETE, TrialState.FAIL, TrialState.COMPLETE):
        proposal = study.next()
        study.tell(proposal.number, state, 50.0 if state == TrialState.COMPLETE else None, seconds=1.0)
        told[proposal.number] = has_complete(study)
    assert told == {"zero_shot": False, "coop": False, "0": True}


TEXT = """
name: made
tasks: {dataset: digits, shots: 1, replicates: 2}
method: {beta: 0, epochs: 4, views: 1}
space:
  omega: {low: 0.1, high: 100, log: true}
  n_ctx: {choices: [4, 75]}
search: {eval_every: 2, baselines: [zero_shot], points: [{omega: 1, n_ctx: 4}, {omega: 1, n_ctx: 75}]}
budget: {trials: 2, retries: 1}
resources: {cpus: 0.5, gpus: auto}
"""


class Watcher:
    """Keeps what is told to the person who watches."""

    def __init__(self) -> None:
        self.finished = {}
        self.epochs = []
        self.said = []

    def trial_started(self, study, number, params):
        pass

    def epoch(self, study, number, epoch, epochs, metrics):
        self.epochs.append((number, epoch, epochs))

    def trial_finished(self, study, number, state, value, seconds, reason="", candidate=None):
        self.finished[number] = (state, reason)

    def doing(self, stage):
        pass

    def say(self, line):
        self.said.append(line)


@pytest.mark.cluster
def test_shares_of_a_gpu_and_a_trial_that_fails(make_sweep, tmp_path, monkeypatch):
    """The second point has more context vectors than the tower has room for: that trial fails, alone.

    It is also the largest, so the share of a GPU cannot be probed.
    """
    watcher = Watcher()

    @contextmanager
    def show(studies):
        yield watcher

    file = tmp_path / "made.yaml"
    file.write_text(TEXT)
    # As for a backbone whose texts are not known before its weights are: else the file would be refused.
    sweep = load_sweep(file, known=replace(known_names(), context_length=None))
    monkeypatch.setattr(episodes, "refuse_long_names", lambda *_: None)
    outcome = run_sweep(sweep, Home(tmp_path / "home"), show, logical_gpus=1)
    assert {number: state for number, (state, _) in watcher.finished.items()} == {
        "zero_shot": "COMPLETE",
        "0": "COMPLETE",
        "1": "FAIL",
    }
    assert "do not fit the text tower with n_ctx 75" in watcher.finished["1"][1]
    assert "0.25 of a GPU a trial, for it could not be probed" in watcher.said[-1]
    assert "do not fit the text tower with n_ctx 75" in watcher.said[-1]
    assert ("0", 2, 4) in watcher.epochs
    assert outcome.empty_studies == []
    rows = {row.number: row for row in outcome.rows}
    assert (rows["1"].state, rows["0"].state) == ("FAIL", "COMPLETE")
    assert rows["1"].reason == watcher.finished["1"][1]
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path / 'home' / 'mlflow.db'}")
    (experiment,) = [e for e in client.search_experiments() if e.name == "made"]
    states = {
        run.data.tags.get("nemesis.trial", "sweep").split("/")[-1]: run.info.status
        for run in client.search_runs([experiment.experiment_id])
    }
    assert states["0"] == states["zero_shot"] == states["sweep"] == "FINISHED"
    assert states.get("1", "FAILED") == "FAILED"


JOINT = """
name: made
tasks: {dataset: [digits, emoji], shots: 1, replicates: 2}
method: {epochs: 2, views: 1}
space:
  n_ctx: {choices: [4, 8]}
search: {study: joint, eval_every: 1, pruner: none, baselines: [zero_shot]}
budget: {trials: 4}
resources: {cpus: 0.5}
"""


@pytest.mark.cluster
def test_a_joint_sweep_whose_workers_outnumber_its_points(make_sweep, tmp_path):
    """Room for four trials at once and a budget of four, two points: each is trained once."""
    watcher = Watcher()

    @contextmanager
    def show(studies):
        yield watcher

    home = Home(tmp_path / "home")
    outcome = run_sweep(make_sweep(text=JOINT), home, show)
    assert outcome.empty_studies == []
    ended = {number: state for number, (state, _) in watcher.finished.items()}
    assert sorted(ended.values()) == ["COMPLETE"] * 3
    assert {(number, epoch) for number, epoch, _ in watcher.epochs} >= {
        (number, step) for number in ended if number != "zero_shot" for step in (1, 2, 3)
    }
    assert {epochs for *_, epochs in watcher.epochs} == {4}
    rows = [row for row in outcome.rows if row.task == "mean"]
    assert len(outcome.rows) == 3 * len(rows) == 9
    (study,) = open_studies(make_sweep(text=JOINT), home)
    searched = [trial for number, trial in study.trials() if number != "zero_shot"]
    assert sorted(trial.params["n_ctx"] for trial in searched) == [4, 8]
    assert outcome.space_is_done


ENCODED = """
name: made
tasks: {{dataset: [eurosat, dtd], shots: [1, 2], replicates: 2, root: {root}, unreadable: {unreadable}}}
method: {{epochs: 2, views: 2}}
space:
  n_ctx: {{choices: [4, 8]}}
search: {{pruner: none, baselines: [zero_shot]}}
budget: {{trials: 1}}
resources: {{cpus: 0.5}}
"""


@pytest.mark.cluster
def test_images_are_looked_at_by_workers_that_encode_them_once(make_sweep, tmp_path, monkeypatch):
    """A run that is refused leaves no sweep behind, but what it has encoded; trials encode nothing."""
    monkeypatch.setattr(images, "MANY", 1)
    monkeypatch.setenv("NEMESIS_SWEEP_CACHE", str(tmp_path / "cache"))
    for name in ("eurosat", "dtd"):
        layouts.ALL[name][0](tmp_path)
    broken = sorted((tmp_path / "eurosat/2750/second").iterdir())[-1]
    broken.write_bytes(b"no image")
    watcher, said, home = Watcher(), [], Home(tmp_path / "home")

    @contextmanager
    def show(studies):
        yield watcher

    def log() -> list[str]:
        return (home.path / "logs/encoding.log").read_text().splitlines()

    with pytest.raises(
        UserError, match=rf"cannot read eurosat: 2750/second/{broken.name}: unreadable: not an"
    ):
        run_sweep(make_sweep(text=ENCODED.format(root=tmp_path, unreadable="stop")), home, show)
    assert not home.sweep_file.exists() and not (home.path / "episodes").exists()
    before = log()
    assert len({line.partition("(process ")[2].partition(")")[0] for line in before}) == 1
    sweep = make_sweep(text=ENCODED.format(root=tmp_path, unreadable="skip"))
    outcome = run_sweep(sweep, home, show, say=said.append)
    assert not outcome.failed and not outcome.empty_studies
    assert len(outcome.rows) == 8
    assert f"eurosat 1-shot: skipped eurosat: 2750/second/{broken.name}: unreadable: not an image" in said
    assert not [line for line in said if line.startswith("could not encode")]
    assert all("encoding 1 picture x 1 view " in line for line in log()[len(before) :])


RELATIVE = """
name: made
tasks: {dataset: eurosat, shots: 1, replicates: 1, root: .}
method: {epochs: 2, views: 1, n_ctx: 2}
space: {omega: {low: 0.1, high: 1}}
search: {pruner: none, baselines: [zero_shot]}
budget: {trials: 1}
resources: {cpus: 0.5, gpus: auto}
"""


@pytest.mark.cluster
@pytest.mark.slow
def test_a_relative_root_is_found_while_a_gpu_is_probed(make_sweep, tmp_path, monkeypatch):
    """Where trials run the driver stands in the home, and paths of the sweep start elsewhere."""
    monkeypatch.setenv("NEMESIS_SWEEP_CACHE", str(tmp_path / "cache"))
    layouts.ALL["eurosat"][0](tmp_path)
    monkeypatch.chdir(tmp_path)
    watcher = Watcher()

    @contextmanager
    def show(studies):
        yield watcher

    run_sweep(make_sweep(text=RELATIVE), Home(tmp_path / "home"), show, logical_gpus=1)
    assert {state for state, _ in watcher.finished.values()} == {"COMPLETE"}
    assert not [line for line in watcher.said if "could not be probed" in line]
