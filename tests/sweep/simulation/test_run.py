"""A sweep in simulated time: deterministic, complete, resumable, and never mixed with a real one."""

import json
from contextlib import contextmanager

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.method import Method
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.pruners.wilcoxon import REPLICATES
from nemesis_sweep.sweep.simulation.response import SimulatedTrial, curve_of
from nemesis_sweep.sweep.simulation.run import run_simulation
from nemesis_sweep.sweep.simulation.synthetic import SyntheticResponse
from nemesis_sweep.sweep.trial_spec import JointTrialSpec, TrialSpec

TEXT = """
name: made
tasks: {dataset: [digits, emoji], shots: 4, replicates: 2}
method: {beta: 0, epochs: 20}
space:
  omega: {low: 0.1, high: 100, log: true}
  n_ctx: {choices: [4, 8, 16]}
search: {eval_every: 5, sampler: random}
budget: {trials: 25}
"""


class Watcher:
    """Keeps what is told; may interrupt after a number of trials, as Ctrl-C does."""

    def __init__(self, interrupt_after=None):
        self.started, self.finished = [], []
        self.interrupt_after = interrupt_after
        self.most = 0

    def trial_started(self, study, number, params):
        self.started.append((study, number))
        self.most = max(self.most, len(self.started) - len(self.finished))

    def epoch(self, study, number, epoch, epochs, metrics):
        pass

    def trial_finished(self, study, number, state, value, seconds, reason="", candidate=None):
        self.finished.append((study, number, state, value, seconds))
        if len(self.finished) == self.interrupt_after:
            raise KeyboardInterrupt


def simulated(sweep, home, workers=4, watcher=None, response=None, keep=len):
    watcher = watcher or Watcher()

    @contextmanager
    def show(studies, clock):
        yield watcher

    response = response or SyntheticResponse(sweep.space)
    return run_simulation(sweep, Home(home), show, response, workers, keep=keep)


def story(outcome):
    return [(r.study, r.number, r.state, r.params, r.ended, r.metrics) for r in outcome.rows]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A sweep of two tasks, simulated undisturbed."""
    from nemesis_sweep.spec.loader import load_sweep

    folder = tmp_path_factory.mktemp("simulated")
    (folder / "made.yaml").write_text(TEXT)
    sweep, watcher = load_sweep(folder / "made.yaml"), Watcher()
    return sweep, folder / "home", simulated(sweep, folder / "home", watcher=watcher), watcher


def test_every_trial_ends_once_in_simulated_time(finished):
    _sweep, _, outcome, watcher = finished
    assert len(watcher.finished) == len(outcome.rows) == 2 * (25 + 2)
    assert len({finished[:2] for finished in watcher.finished}) == len(outcome.rows)
    assert {row.state for row in outcome.rows} == {"COMPLETE", "PRUNED"}
    assert outcome.empty_studies == []
    assert outcome.seconds == max(row.ended for row in outcome.rows)
    assert all(row.ended >= row.seconds > 0 for row in outcome.rows)


def test_as_many_trials_run_at_once_as_there_are_workers(finished):
    """And the workers are busy: together they work for most of the simulated time."""
    _, _, outcome, watcher = finished
    assert watcher.most == 4
    worked = sum(row.seconds for row in outcome.rows)
    assert 0.8 * 4 * outcome.seconds < worked <= 4 * outcome.seconds


def test_the_same_file_and_workers_give_the_same_trials(finished, tmp_path):
    sweep, _, outcome, _ = finished
    assert story(simulated(sweep, tmp_path / "home")) == story(outcome)


def test_other_workers_end_at_other_times(finished, tmp_path):
    sweep, _, outcome, _ = finished
    one = simulated(sweep, tmp_path / "home", workers=1)
    assert one.seconds == pytest.approx(sum(row.seconds for row in one.rows))
    assert one.seconds > 2 * outcome.seconds


def test_a_simulation_that_was_interrupted_goes_on(finished, tmp_path):
    sweep, _, outcome, _ = finished
    kept = []
    with pytest.raises(KeyboardInterrupt):
        simulated(sweep, tmp_path / "home", watcher=Watcher(interrupt_after=20), keep=kept.extend)
    assert len(kept) == 20
    assert all(row.ended > 0 and row.state in ("COMPLETE", "PRUNED") for row in kept)
    watcher = Watcher()
    rest = simulated(sweep, tmp_path / "home", watcher=watcher)
    assert len(watcher.finished) == len(outcome.rows) - 20
    assert {row.state for row in rest.rows} == {"COMPLETE", "PRUNED"}
    # Random proposals depend on the number alone.
    assert [row.params for row in rest.rows] == [row.params for row in outcome.rows]
    again = simulated(sweep, tmp_path / "home", watcher=(idle := Watcher()))
    assert story(again) == story(rest)
    assert idle.started == []


def test_the_first_ctrl_c_ends_it_in_good_order(finished, tmp_path):
    """Every running trial tells its next result, and the rest is for the next run."""
    import os
    import signal

    sweep, _, outcome, _ = finished

    class Signalling(Watcher):
        def trial_finished(self, *told):
            super().trial_finished(*told)
            if len(self.finished) == 20:
                os.kill(os.getpid(), signal.SIGTERM)

    watcher = Signalling()
    with pytest.raises(KeyboardInterrupt):
        simulated(sweep, tmp_path / "home", watcher=watcher)
    assert 20 <= len(watcher.finished) <= 24
    rest = simulated(sweep, tmp_path / "home", watcher=(later := Watcher()))
    assert len(watcher.finished) + len(later.finished) == len(outcome.rows)
    assert {row.state for row in rest.rows} == {"COMPLETE", "PRUNED"}


def test_a_real_run_refuses_a_simulated_home(finished):
    from nemesis_sweep.sweep.runner import run_sweep

    sweep, home, _, _ = finished
    with pytest.raises(UserError, match="--home: this home holds a simulation"):
        run_sweep(sweep, Home(home), lambda studies: pytest.fail("it began"))


def test_a_simulation_refuses_the_home_of_a_real_run(finished, tmp_path):
    sweep = finished[0]
    (tmp_path / "driver.lock").touch()
    (tmp_path / "sweep.yaml").write_text(TEXT)
    with pytest.raises(UserError, match="--home: this home holds a real sweep"):
        simulated(sweep, tmp_path)
    assert not (tmp_path / "simulation.json").exists()


def test_another_simulation_in_the_same_home_is_refused(finished):
    sweep, home, _, _ = finished
    with pytest.raises(UserError, match="changed: workers: 4 -> 5"):
        simulated(sweep, home, workers=5)
    with pytest.raises(UserError, match="changed: response"):
        simulated(sweep, home, response=SyntheticResponse(sweep.space, seed=1))


def test_nothing_of_it_looks_real(finished):
    from nemesis_sweep.report.status_table import status_table
    from nemesis_sweep.sweep.status import sweep_status

    _, home, _, _ = finished
    assert json.loads((home / "simulation.json").read_text())["response"] == {"kind": "synthetic", "seed": 0}
    assert not (home / "trials").exists()
    assert not (home / "mlflow.db").exists()
    status = sweep_status(Home(home))
    assert status.simulated
    assert str(status_table(status).renderables[0]).startswith("SIMULATED made")


def test_hours_of_the_budget_are_simulated_hours(make_sweep, tmp_path):
    """Proposals end when the trials have run for that long; zero-shot, CoOp and what runs are let end."""
    sweep = make_sweep("budget.trials=500", "budget.hours=0.1", "search.sampler=random")
    outcome = simulated(sweep, tmp_path / "home", workers=2)
    worked = sum(row.seconds for row in outcome.rows)
    assert 360 <= worked < 450
    assert len(outcome.rows) < 100


def test_a_trial_reports_as_a_real_one_does(finished):
    """Every eval_every epochs and at the end; test metrics only then."""
    from nemesis_sweep.spec.configuration import configuration
    from nemesis_sweep.sweep.trial_spec import TrialSpec

    sweep = finished[0]
    task = sweep.task_list()[0]
    params = {"omega": 1.0, "n_ctx": 4}
    method = configuration(sweep, task, {**params, "epochs": 12})
    spec = TrialSpec("", task, "0", "", params, method, (1, 2), 5, 1)
    trial = SimulatedTrial(SyntheticResponse(sweep.space).curve(spec))
    reports = []
    while not reports or not reports[-1][1].done:
        reports.append(trial.advance())
    assert [report.epoch for _, report in reports] == [5, 10, 12]
    assert reports[-1][1].seconds == pytest.approx(sum(seconds for seconds, _ in reports))
    assert ["test/accuracy" in report.metrics for _, report in reports] == [False, False, True]
    assert reports[0][1].metrics["val/accuracy"] < reports[-1][1].metrics["val/accuracy"]


def test_tune_hands_on_the_replicates_that_the_wilcoxon_pruner_compares(make_sweep, tmp_path):
    wanted = ["search.pruner=wilcoxon", "tasks.replicates=5", "search.eval_every=1", "tasks.dataset=digits"]
    outcome = simulated(make_sweep(*wanted, text=TEXT), tmp_path / "home")
    pruned = [row for row in outcome.rows if row.state == "PRUNED"]
    assert len(pruned) >= 5
    journal = (tmp_path / "home/optuna.journal").read_text()
    assert f"{REPLICATES}20" in journal


@pytest.mark.parametrize(("sampler", "pruner"), [("tpe", "hyperband"), ("qmc", "median"), ("nsga2", "none")])
def test_a_thousand_workers_and_every_kind_of_sampler(make_sweep, tmp_path, sampler, pruner):
    sweep = make_sweep(f"search.sampler={sampler}", f"search.pruner={pruner}", "budget.trials=40")
    outcome = simulated(sweep, tmp_path / "home", workers=1000)
    assert len(outcome.rows) == 42
    # All at once: it takes as long as the longest trial.
    assert outcome.seconds == max(row.seconds for row in outcome.rows)


def test_a_joint_study_is_simulated_on_one_task_after_the_other(make_sweep, tmp_path):
    """Of a complete trial the mean is that of its tasks, and it took their time one after the other."""
    joint = make_sweep("search.study=joint", "search.baselines=[zero_shot]", text=TEXT)
    outcome = simulated(joint, tmp_path / "home")
    assert story(outcome) == story(simulated(joint, tmp_path / "again"))
    assert outcome.empty_studies == []
    means = {row.number: row for row in outcome.rows if row.task == "mean"}
    assert set(means) == {"zero_shot", *map(str, range(25))}
    assert {row.state for row in means.values()} == {"COMPLETE", "PRUNED"}
    for number, mean in means.items():
        tasks = [row for row in outcome.rows if row.number == number and row is not mean]
        if mean.state == "PRUNED":
            assert not tasks
            assert mean.seconds > 0
            continue
        assert [row.dataset for row in tasks] == ["digits", "emoji"]
        assert mean.seconds == pytest.approx(sum(row.seconds for row in tasks))
        for name, value in mean.metrics.items():
            assert value == pytest.approx(sum(row.metrics[name] for row in tasks) / 2)
        assert set(mean.metrics) >= {"val/accuracy", "test/accuracy"}
        first, second, both = (row.replicates["val/accuracy"] for row in (*tasks, mean))
        assert both == pytest.approx([(a + b) / 2 for a, b in zip(first, second, strict=True)])


def test_the_mean_of_a_joint_trial_is_told_from_task_to_task(make_sweep):
    """Steps count on from task to task; test metrics come when all tasks have them."""
    joint = make_sweep("search.study=joint", text=TEXT)
    parts = tuple(
        TrialSpec("/h", task, "0", "", {"omega": 1.0, "n_ctx": 8}, Method(epochs=20), (1, 2), 5, 1)
        for task in joint.task_list()
    )
    response = SyntheticResponse(joint.space)
    first, second = (response.curve(part) for part in parts)
    curve = curve_of(response, JointTrialSpec(parts, (0, 20)))
    assert curve.epochs == (5, 10, 15, 20, 25, 30, 35, 40)
    assert curve.seconds[3:5] == pytest.approx([first.seconds[-1], first.seconds[-1] + second.seconds[0]])
    assert curve.metrics[:4] == first.metrics
    assert "test/accuracy" not in curve.metrics[4]
    after = zip(first.metrics[-1]["val/accuracy"], second.metrics[0]["val/accuracy"], strict=True)
    assert curve.metrics[4]["val/accuracy"] == pytest.approx([(a + b) / 2 for a, b in after])
    assert "test/accuracy" in curve.metrics[-1]
