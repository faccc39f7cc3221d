"""One trial without Ray: rows that train no prompt."""

import json

from optuna.storages import InMemoryStorage

from nemesis_sweep.report.leaderboard import leaderboard
from nemesis_sweep.sweep.assignment import Assignment
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.study import TaskStudy
from nemesis_sweep.sweep.worker.trial import TrialSession
from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.store import prepare


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
        session = TrialSession(
            Assignment(
                home=str(home.path),
                task=task,
                number=proposal.number,
                baseline=proposal.baseline,
                params=proposal.params,
                method=proposal.method,
                seeds=(1, 2),
                eval_every=5,
                threads=1,
                tracking=tracking,
            )
        )
        told = session.advance()
        assert told["done"]
        assert told["failed_seeds"] == []
        folder = home.trial(task.key, proposal.number)
        assert not (folder / "prompt.safetensors").exists()
        rows.append(json.loads((folder / "result.json").read_text()))
    ensemble, probe = rows
    assert [row["baseline"] for row in rows] == ["zero_shot_ensemble", "linear_probe"]
    assert probe["config"]["views"] == 1
    # Ten digits, two shots: far from chance, and told for both seeds.
    assert all(value > 20 for value in probe["replicates"]["test/accuracy"])
    assert len(ensemble["replicates"]["val/accuracy"]) == 2
    runs = connect(tracking.uri).search_runs([tracking.experiment_id], "tags.`nemesis.baseline` != ''")
    logged = {run.data.tags["nemesis.baseline"]: set(run.data.params) for run in runs}
    always = {"dataset", "shots", "backbone", "protocol", "precision", "seeds"}
    assert logged == {"zero_shot_ensemble": always, "linear_probe": {*always, "views"}}
    (board,) = leaderboard(rows)
    assert [entry.label for entry in board.entries] == ["zero-shot, ensemble", "linear probe"]
    assert board.best is None
