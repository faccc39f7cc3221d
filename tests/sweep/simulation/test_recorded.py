"""The recorded response: a sweep simulated from its own record is that sweep again."""

import shutil
from contextlib import contextmanager

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.report.results import read_results, write_results
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.simulation.recorded import RecordedResponse
from nemesis_sweep.sweep.simulation.run import run_simulation
from nemesis_sweep.sweep.simulation.synthetic import SyntheticResponse
from nemesis_sweep.sweep.trial_spec import TrialSpec

TEXT = """
name: made
tasks: {dataset: digits, shots: 4, replicates: 2}
method: {beta: 0, epochs: 20}
space:
  omega: {low: 0.1, high: 100, log: true}
  n_ctx: {choices: [4, 8, 16]}
search: {eval_every: 5, sampler: tpe, baselines: [zero_shot, coop, paper]}
budget: {trials: 30}
"""


class Nobody:
    def trial_started(self, *told):
        pass

    epoch = trial_finished = trial_started


@contextmanager
def show(studies, clock):
    yield Nobody()


def load(folder, *overrides):
    (folder / "made.yaml").write_text(TEXT)
    return load_sweep(folder / "made.yaml", overrides)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The home of a sweep, as a real run leaves it: a simulated one without its mark."""
    folder = tmp_path_factory.mktemp("recorded")
    sweep = load(folder)
    home = folder / "home"
    outcome = run_simulation(sweep, Home(home), show, SyntheticResponse(sweep.space), 3)
    (home / "simulation.json").unlink()
    write_results(home, outcome.rows)
    return sweep, home, outcome


def respond(sweep, home):
    return RecordedResponse(sweep, home, read_results(home))


def test_its_own_file_gives_the_recorded_sweep_again(recorded, tmp_path):
    sweep, home, before = recorded
    again = run_simulation(sweep, Home(tmp_path / "home"), show, respond(sweep, home), 3)
    assert {row.state for row in again.rows} == {"COMPLETE", "PRUNED"}
    assert len(again.rows) == len(before.rows) == 32
    for new, old in zip(again.rows, before.rows, strict=True):
        for key in ("number", "state", "params", "baseline", "epochs"):
            assert getattr(new, key) == getattr(old, key)
        assert new.metrics == pytest.approx(old.metrics)
        assert new.ended == pytest.approx(old.ended)
        for name, values in old.replicates.items():
            assert new.replicates[name] == pytest.approx(values)


def test_another_sampler_is_answered_within_what_was_measured(recorded, tmp_path):
    _, home, before = recorded
    other = load(tmp_path, "search.sampler=random", "search.seed=7", "search.pruner=none", "budget.trials=40")
    outcome = run_simulation(other, Home(tmp_path / "home"), show, respond(other, home), 5)
    assert {row.state for row in outcome.rows} == {"COMPLETE"}
    measured = [row.metrics["val/accuracy"] for row in before.rows if row.state == "COMPLETE"]
    values = [row.metrics["val/accuracy"] for row in outcome.rows if not row.baseline]
    assert len(values) == 39
    assert max(values) <= max(measured)
    # Neighbours are not the same everywhere.
    assert len(set(values)) > 30


def test_a_pruned_trial_goes_on_with_the_mean_gain_of_complete_ones(recorded, tmp_path):
    sweep, home, before = recorded
    import optuna

    from nemesis_sweep.sweep.runner import open_studies

    trials = open_studies(sweep, Home(home))[0].study.get_trials(deepcopy=False)
    pruned = next(trial for trial in trials if trial.state == optuna.trial.TrialState.PRUNED)
    ended = max(pruned.intermediate_values)
    curves = [t.intermediate_values for t in trials if t.state == optuna.trial.TrialState.COMPLETE]
    coop = next(row for row in before.rows if row.baseline == "coop")
    beside = open_studies(sweep, Home(home))[0].beside.study.get_trials(deepcopy=False)
    curves += [t.intermediate_values for t in beside if len(t.intermediate_values) > 1]
    assert coop.metrics["val/accuracy"] == pytest.approx(curves[-1][20])
    gain = sum(curve[20] - curve[ended] for curve in curves) / len(curves)
    study = open_studies(sweep, Home(home))[0]
    method = study.proposal(str(pruned.number), pruned).method
    task = sweep.task_list()[0]
    curve = respond(sweep, home).curve(TrialSpec("", task, "0", "", pruned.params, method, (1, 2), 5, 1))
    assert curve.epochs == (5, 10, 15, 20)
    assert curve.metrics[-1]["val/accuracy"][0] == pytest.approx(pruned.intermediate_values[ended] + gain)


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("method.epochs=40", "method.epochs: 20 -> 40"),
        ("tasks.dataset=emoji", "no complete trial of this task"),
        ("space.lr={low: 0.001, high: 0.01}", "space.lr: the recorded sweep did not search it"),
        ("search.objective=val/loss", "search.objective"),
    ],
)
def test_what_the_record_cannot_tell_is_refused(recorded, tmp_path, override, told):
    with pytest.raises(UserError) as refused:
        respond(load(tmp_path, override), recorded[1])
    assert told in str(refused.value)
    assert "this home cannot answer" in str(refused.value)


def test_a_baseline_that_was_not_recorded_is_refused(recorded, tmp_path):
    sweep, home, _ = recorded
    rows = [row for row in read_results(home) if row.baseline != "coop"]
    with pytest.raises(UserError, match=r"no such baseline of digits-4shot.*found coop"):
        RecordedResponse(sweep, home, rows)


def test_homes_that_are_no_record_are_refused(recorded, tmp_path):
    sweep, home, _ = recorded
    with pytest.raises(UserError, match="--simulate: no sweep was recorded in this folder"):
        RecordedResponse(sweep, tmp_path, [])
    shutil.copytree(home, tmp_path / "simulated")
    (tmp_path / "simulated" / "simulation.json").write_text("{}")
    with pytest.raises(UserError, match="--simulate: this home was simulated itself"):
        RecordedResponse(sweep, tmp_path / "simulated", [])


def test_a_joint_study_is_read_off_the_trials_of_each_task(recorded, tmp_path):
    """The recorded sweep had a study for each task; one of one task, joint, is the same search."""
    _, home, before = recorded
    joint = load(tmp_path, "search.study=joint", "search.pruner=none", "search.sampler=random")
    outcome = run_simulation(joint, Home(tmp_path / "home"), show, respond(joint, home), 2)
    means = [row for row in outcome.rows if row.task == "mean"]
    assert len(means) == 32 and {row.state for row in means} == {"COMPLETE"}
    known = {row.baseline: row.metrics for row in before.rows if row.baseline}
    for row in means:
        if row.baseline:
            assert row.metrics == pytest.approx(known[row.baseline])
