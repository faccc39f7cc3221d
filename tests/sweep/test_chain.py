"""TrialBroker, worker and study together, without Ray: what is measured, judged, told and kept."""

from pathlib import Path

import pytest
from optuna.trial import TrialState

from nemesis_sweep.sweep.best import best_trials
from nemesis_sweep.sweep.broker import TrialBroker
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.pruners.wilcoxon import REPLICATES
from nemesis_sweep.sweep.rows import trial_rows
from nemesis_sweep.sweep.study import TaskStudy
from nemesis_sweep.sweep.trial_spec import TrialSpec
from nemesis_sweep.sweep.worker.trial import open_trial

TEXT = """
name: made
tasks: {dataset: digits, shots: 1, replicates: 4}
method: {beta: 1, epochs: 4, views: 1, anneal: constant, n_ctx: 4}
space:
  omega: {low: 0.1, high: 100, log: true}
search:
  eval_every: 1
  baselines: [zero_shot, coop]
  points: [{omega: 0.1}, {omega: 100}]
budget: {trials: 2}
"""


class Watcher:
    """Keeps what is told to the person who watches."""

    def __init__(self) -> None:
        self.finished = {}

    def trial_started(self, study, number, params):
        pass

    def epoch(self, study, number, epoch, epochs, metrics):
        pass

    def trial_finished(self, study, number, state, value, seconds, reason="", candidate=None):
        self.finished[number] = (state, reason)


@pytest.fixture
def run(tmp_path: Path, storage):
    """Run a sweep of one task to its end; its study, its rows by number, and what was told."""

    def run_(sweep):
        (task,) = sweep.task_list()
        home = Home(tmp_path / "home")
        home.create()
        study, watcher = TaskStudy(sweep, task, storage), Watcher()
        broker = TrialBroker(sweep, home, [study], watcher)
        while (config := broker.next("tune_id")) is not None:
            session = open_trial(TrialSpec.from_config(config))
            result = session.advance()
            while not broker.report("tune_id", result) and not result.done:
                result = session.advance()
            broker.complete("tune_id", result)
        rows = {number: trial_rows(study, number, trial, home.path)[-1] for number, trial in study.trials()}
        return study, rows, watcher.finished

    return run_


def test_a_front_of_accuracy_and_norm_under_a_constraint(make_sweep, run):
    """A strong penalty holds the norms down, so that the weak one alone breaks the constraint."""
    sweep = make_sweep(
        "search.objective=[norm/mean, seconds]", "search.constraints=[norm/mean <= 0.2]", text=TEXT
    )
    study, rows, told = run(sweep)
    norms = {number: found.metrics.get("norm/mean") for number, found in rows.items()}
    assert norms["zero_shot"] is None
    assert norms["1"] < 0.2 < norms["0"] and norms["coop"] > 0.2
    assert {number: state for number, (state, _) in told.items()} == dict.fromkeys(rows, "COMPLETE")
    assert told["0"][1] == told["coop"][1] == "breaks norm/mean <= 0.2"
    assert told["1"][1] == told["zero_shot"][1] == ""
    assert {number: found.broken for number, found in rows.items()} == {
        "zero_shot": [],
        "coop": ["norm/mean <= 0.2"],
        "0": ["norm/mean <= 0.2"],
        "1": [],
    }
    trials = dict(study.trials())
    assert trials["1"].values == [norms["1"], rows["1"].seconds]
    assert trials["0"].constraints == {"norm/mean <= 0.2": pytest.approx(norms["0"] - 0.2)}
    assert [number for number, _ in best_trials(study.trials(), sweep.search.directions)] == ["1"]


def test_wilcoxon_gets_the_value_of_every_replicate(make_sweep, run):
    sweep = make_sweep(
        "search.objective=norm/mean",
        "search.pruner=wilcoxon",
        "search.points=[{omega: 100}, {omega: 0.1}]",
        text=TEXT,
    )
    study, rows, told = run(sweep)
    best, worse = (dict(study.trials())[number] for number in ("0", "1"))
    values = rows["0"].replicates["norm/mean"]
    assert len(values) == 4 and best.user_attrs[f"{REPLICATES}4"] == str(values)
    assert sum(values) / 4 == pytest.approx(best.intermediate_values[4])
    # Every replicate's norm is above the best trial's with the same seed, from some epoch on.
    assert worse.state == TrialState.PRUNED and told["1"][0] == "PRUNED"
    assert 1 <= max(worse.intermediate_values) <= 4
