"""One trial without Ray: rows that train no prompt, and what one that trains leaves."""

import json
from statistics import stdev

import pytest
from optuna.storages import InMemoryStorage

from nemesis_sweep.prompts.artifact import load_prompt
from nemesis_sweep.report.leaderboard import leaderboard
from nemesis_sweep.report.results import read_results, write_results
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.row import Row
from nemesis_sweep.sweep.rows import with_result
from nemesis_sweep.sweep.study import TaskStudy
from nemesis_sweep.sweep.trial_spec import TrialSpec
from nemesis_sweep.sweep.worker import words
from nemesis_sweep.sweep.worker.result import read_result
from nemesis_sweep.sweep.worker.trial import open_trial
from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.outbox import Outbox
from nemesis_sweep.tracking.store import prepare
from nemesis_sweep.training.nearest_words import nearest_words
from nemesis_sweep.training.references.saved import load_reference
from tests.tracking.shipping import ship


def session_of(home, task, proposal, seeds):
    return open_trial(
        TrialSpec(
            home=str(home.path),
            task=task,
            number=proposal.number,
            baseline=proposal.baseline,
            params=proposal.params,
            method=proposal.method,
            seeds=seeds,
            eval_every=5,
            threads=1,
        )
    )


@pytest.fixture
def next_session(make_sweep, tmp_path):
    """A session of the next trial of a sweep with these overrides, as often as it is asked for."""
    short = ("tasks.shots=2", "method.views=1", "method.epochs=10")
    # Every position that is drawn counts, so that it is known how many do.
    sweep = make_sweep("search.baselines=[]", "method.selection=random", *short)
    (task,) = sweep.task_list()
    study = TaskStudy(sweep, task, InMemoryStorage())
    home = Home(tmp_path / "home")
    home.create()
    proposal = study.next()

    def make(seeds):
        return session_of(home, task, proposal, seeds)

    return make


def logged(session):
    """Latest metrics that MLflow is told of the session's run."""
    told = [
        event["metrics"] for event in Outbox(session.spec.folder).read()[0] if event["event"] == "metrics"
    ]
    return {name: value for metrics in told for name, value in metrics.items()}


def test_the_spread_of_accuracies_is_logged_at_the_end(next_session):
    session = next_session((1, 2))
    assert not session.advance().done
    assert not [name for name in logged(session) if name.endswith("_std")]
    told = session.advance()
    assert told.done
    metrics = logged(session)
    spread = {name for name in metrics if name.endswith("_std")}
    assert spread == {"train/accuracy_std", "val/accuracy_std", "test/accuracy_std"}
    for name in spread:
        values = told.replicates[name.removesuffix("_std")]
        assert len(values) == 2
        assert metrics[name] == pytest.approx(stdev(values))


def test_one_replicate_has_no_spread(next_session):
    session = next_session((1,))
    while not session.advance().done:
        pass
    assert not [name for name in logged(session) if name.endswith("_std")]


def test_how_often_positions_were_selected_is_kept_with_result_and_prompt(next_session, tmp_path):
    """Over all epochs, also those before the worker was lost."""
    assert not next_session((1, 2)).advance().done
    session = next_session((1, 2))
    assert session.fit.epoch == 5
    assert session.advance().done
    result = read_result(session.spec.folder)
    share = session.fit.selected_share()
    assert result.selected_share == share
    assert load_prompt(session.spec.folder).selected_share == share
    assert [len(row) for row in share] == [result.config["n_ctx"]] * 2
    # One step an epoch and one position a step: shares are tenths, and all ten steps count.
    assert all(round(10 * value, 9).is_integer() for row in share for value in row)
    assert [sum(row) for row in share] == pytest.approx([1, 1])
    write_results(tmp_path, [with_result(Row(study=result.study, number=result.number), result)])
    (row,) = read_results(tmp_path)
    assert row.selected_share == share


def test_the_words_nearest_to_it_are_kept_and_logged_beside_the_prompt(next_session, monkeypatch):
    session = next_session((1, 2))
    while not session.advance().done:
        pass
    folder = session.spec.folder
    told = json.loads((folder / "nearest_words.json").read_text())
    assert told == json.loads(json.dumps(nearest_words(load_prompt(folder)).to_json()))
    assert len(told["vectors"]) == 2 * session.spec.method.n_ctx
    (files,) = [each for each in Outbox(folder).read()[0] if each["event"] == "files"]
    assert files["names"] == ["prompt.safetensors", "prompt.json", "nearest_words.json"]
    monkeypatch.setattr(words, "MOST", len(told["vectors"]) - 1)
    assert words.write_words(folder, load_prompt(folder), session.fit.trainer.backbone) == []


def test_a_linear_probe_and_an_ensemble_are_measured_and_never_win(make_sweep, tmp_path):
    sweep = make_sweep("search.baselines=[linear_probe, zero_shot_ensemble]", "tasks.shots=2")
    (task,) = sweep.task_list()
    study = TaskStudy(sweep, task, InMemoryStorage())
    home = Home(tmp_path / "home")
    home.create()
    tracking = prepare(home.path, sweep.name, sweep.experiment, None)
    rows = []
    for _ in range(2):
        proposal = study.next()
        session = session_of(home, task, proposal, (1, 2))
        told = session.advance()
        assert told.done
        assert list(told.failed_seeds) == []
        folder = home.trial(task.key, proposal.number)
        assert not (folder / "prompt.safetensors").exists()
        rows.append(read_result(folder))
    ensemble, probe = rows
    assert ensemble.left is None
    assert probe.left == ("reference", probe.reference_checksum)
    reference = load_reference(home.trial(task.key, "linear_probe"))
    assert (reference.kind, reference.seeds, reference.backbone) == ("linear_probe", [1, 2], task.backbone)
    assert [row.baseline for row in rows] == ["zero_shot_ensemble", "linear_probe"]
    assert probe.config["views"] == 1
    # Ten digits, two shots: far from chance, and told for both seeds.
    assert all(value > 20 for value in probe.replicates["test/accuracy"])
    assert len(ensemble.replicates["val/accuracy"]) == 2
    ship(home.path, tracking)
    runs = connect(tracking.uri).search_runs([tracking.experiment_id], "tags.`nemesis.baseline` != ''")
    logged = {run.data.tags["nemesis.baseline"]: set(run.data.tags) for run in runs}
    always = {"dataset", "shots", "val_shots", "backbone", "protocol", "precision", "seeds"}
    assert all(always <= names for names in logged.values())
    assert "views" in logged["linear_probe"] and "views" not in logged["zero_shot_ensemble"]
    assert not any(run.data.params for run in runs)  # Nothing of them is searched.
    (board,) = leaderboard([with_result(Row(study=each.study, number=each.number), each) for each in rows])
    assert [entry.label for entry in board.entries] == ["zero-shot, ensemble", "linear probe"]
    assert board.best is None
