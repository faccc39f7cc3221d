"""Joint trials at work, in this process: real training, real MLflow, drivers that die and come back."""

import io
import json
import math
import shutil

import pytest
from rich.console import Console

from nemesis_sweep.report.curves import curves_of
from nemesis_sweep.report.leaderboard import leaderboard
from nemesis_sweep.report.predictions import predictions_of
from nemesis_sweep.report.results import read_results, write_results
from nemesis_sweep.report.status_table import status_table
from nemesis_sweep.report.table import plain_leaderboard
from nemesis_sweep.sweep.best import mark_best
from nemesis_sweep.sweep.broker import TrialBroker
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.rows import trial_rows
from nemesis_sweep.sweep.runner import ended_trials, open_studies
from nemesis_sweep.sweep.status import sweep_status
from nemesis_sweep.sweep.trial_spec import read_trial_spec
from nemesis_sweep.sweep.worker.joint_trial import open_session
from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.store import prepare
from nemesis_sweep.tracking.sweep_run import close_stale
from tests.sweep.test_joint_study import Silent
from tests.tracking.shipping import ship

TEXT = """
name: made
tasks: {dataset: [digits, emoji], shots: 1, replicates: 2}
method: {beta: 0, epochs: 4, views: 1, n_ctx: 4, per_dataset: {emoji: {epochs: 2}}}
space:
  omega: {low: 0.1, high: 100, log: true}
search: {study: joint, eval_every: 2, pruner: none}
budget: {trials: 2}
"""
DIGITS, EMOJI = "digits-1shot", "emoji-1shot"


class MachineWentAwayError(Exception):
    """Nothing runs any more."""


class Driver:
    """What a run has, without Ray: opened again on the same home it is the next run."""

    def __init__(self, sweep, home):
        home.path.mkdir(parents=True, exist_ok=True)
        home.lock.touch()
        home.create()
        home.sweep_file.write_text(json.dumps(sweep.model_dump(exclude_unset=True)))
        self.home = home
        self.studies = open_studies(sweep, home)
        self.tracking = prepare(home.path, sweep.name, sweep.experiment)
        close_stale(home.path, ended_trials(self.studies))
        self.watcher = Silent()
        self.broker = TrialBroker(sweep, home, self.studies, self.watcher)

    def run(self, reports=math.inf):
        """One worker until nothing is left; dies after so many reports, before the last of them is told."""
        while (config := self.broker.next("t")) is not None:
            session = open_session(read_trial_spec(config))
            while True:
                told = session.advance()
                reports -= 1
                if reports <= 0:
                    raise MachineWentAwayError
                if told.done:
                    break
                if self.broker.report("t", told):
                    break
            self.broker.complete("t", told)

    def rows(self):
        return [
            row
            for study in self.studies
            for number, trial in study.trials()
            for row in trial_rows(study, number, trial, self.home.path)
        ]

    def child_runs(self):
        ship(self.home.path, self.tracking)
        query = f"tags.`mlflow.parentRunId` = '{self.tracking.parent_run_id}'"
        runs = connect(self.tracking.uri).search_runs([self.tracking.experiment_id], query)
        return {run.data.tags["nemesis.trial"]: run for run in runs}


@pytest.fixture(scope="module")
def module_sweep(tmp_path_factory):
    from nemesis_sweep.spec.loader import load_sweep
    from nemesis_sweep.sweep.names import known_names

    def make(*overrides):
        file = tmp_path_factory.mktemp("sweep") / "made.yaml"
        file.write_text(TEXT)
        return load_sweep(file, overrides, known_names())

    return make


@pytest.fixture(scope="module")
def empty_home(tmp_path_factory):
    """A home with MLflow's tables, which take seconds to make, but without a sweep."""
    home = tmp_path_factory.mktemp("empty") / "home"
    prepare(home, "none", "none")
    (home / "tracking.json").unlink()
    return home


@pytest.fixture(scope="module")
def finished(module_sweep, empty_home, tmp_path_factory):
    """A driver whose sweep ran undisturbed."""
    home = Home(shutil.copytree(empty_home, tmp_path_factory.mktemp("finished") / "home"))
    driver = Driver(module_sweep(), home)
    driver.run()
    return driver


def test_every_task_has_its_own_result_and_the_trial_the_means(finished):
    for number in ("zero_shot", "coop", "0", "1"):
        folder = finished.home.trial("joint", number)
        tasks = [json.loads((folder / key / "result.json").read_text()) for key in (DIGITS, EMOJI)]
        whole = json.loads((folder / "result.json").read_text())
        assert [task["task"] for task in tasks] == [DIGITS, EMOJI]
        assert set(whole["metrics"]) == set(tasks[0]["metrics"]) & set(tasks[1]["metrics"])
        for name, value in whole["metrics"].items():
            assert value == pytest.approx((tasks[0]["metrics"][name] + tasks[1]["metrics"][name]) / 2)
            assert sum(whole["replicates"][name]) / 2 == pytest.approx(value)
        if number != "zero_shot":
            assert [task["epochs"] for task in tasks] == [4, 2]
            assert tasks[0]["config"]["omega"] == tasks[1]["config"]["omega"] == whole["config"]["omega"]
            assert "epochs" not in whole["config"]
            assert all((folder / key / "prompt.safetensors").exists() for key in (DIGITS, EMOJI))


def test_a_task_of_a_joint_trial_is_trained_as_it_is_alone(finished, module_sweep, empty_home, tmp_path):
    """The same configuration in a study per task ends with the same numbers."""
    (study,) = finished.studies
    omega = dict(study.trials())["1"].params["omega"]
    points = f"search.points=[{{omega: {omega!r}}}]"
    sweep = module_sweep("search.study=per_task", "search.baselines=[]", points, "budget.trials=1")
    alone = Driver(sweep, Home(shutil.copytree(empty_home, tmp_path / "home")))
    alone.run()
    for key in (DIGITS, EMOJI):
        joint = json.loads((finished.home.trial("joint", "1") / key / "result.json").read_text())
        single = json.loads((alone.home.trial(key, "0") / "result.json").read_text())
        assert single["replicates"] == joint["replicates"]
        assert single["config"] == joint["config"]


def test_reports_count_epochs_from_task_to_task(finished):
    steps = [told[3:5] for told in finished.watcher.told if told[0] == "epoch" and told[2] == "0"]
    assert steps == [(2, 6), (4, 6)]
    (study,) = finished.studies
    trial = dict(study.trials())["0"]
    assert sorted(trial.intermediate_values) == [2, 4, 6]
    assert trial.intermediate_values[6] == pytest.approx(trial.value)
    whole = json.loads((finished.home.trial("joint", "0") / "result.json").read_text())
    assert trial.value == pytest.approx(whole["metrics"]["val/accuracy"])


def test_mlflow_has_one_run_a_trial_with_the_metrics_of_every_task(finished):
    runs = finished.child_runs()
    assert set(runs) == {f"joint/{number}" for number in ("zero_shot", "coop", "0", "1")}
    for name, run in runs.items():
        whole = json.loads((finished.home.trial(*name.split("/")) / "result.json").read_text())
        metrics = run.data.metrics
        assert run.info.status == "FINISHED"
        assert run.data.tags["dataset"] == "digits, emoji"
        assert run.data.tags["shots"] == "1"
        assert metrics["val/accuracy"] == pytest.approx(whole["metrics"]["val/accuracy"])
        assert metrics["test/accuracy"] == pytest.approx(
            (metrics[f"{DIGITS}/test/accuracy"] + metrics[f"{EMOJI}/test/accuracy"]) / 2
        )
        trains = name != "joint/zero_shot"
        assert run.data.tags.get(f"{EMOJI}/epochs") == ("2" if trains else None)
        assert run.data.tags["precision"] == "fp32"
    client = connect(finished.tracking.uri)
    history = client.get_metric_history(runs["joint/0"].info.run_id, f"{DIGITS}/train/loss")
    assert sorted(entry.step for entry in history) == [1, 2, 3, 4]
    prompts = client.list_artifacts(runs["joint/0"].info.run_id, "prompt")
    assert sorted(prompt.path for prompt in prompts) == [f"prompt/{DIGITS}", f"prompt/{EMOJI}"]


def test_predictions_and_curves_of_every_task_are_read_from_the_home(finished):
    home = finished.home.path
    for row in finished.rows():
        found = predictions_of(home, row)
        assert set(found) == (set() if row.task == "mean" else {"test/accuracy"})
    run = finished.child_runs()["joint/0"].info.run_id
    for key in (DIGITS, EMOJI):
        curves = curves_of(home, "joint", "0", key)
        for name in ("train/accuracy", "val/accuracy", "norm/mean", "test/accuracy"):
            history = connect(finished.tracking.uri).get_metric_history(run, f"{key}/{name}")
            assert curves[name] == [(each.step, each.value) for each in history]


def test_results_have_a_row_for_each_task_and_one_for_the_mean(finished, tmp_path):
    write_results(tmp_path, finished.rows())
    rows = read_results(tmp_path)
    assert len(rows) == 4 * 3
    assert {row.study for row in rows} == {"joint"}
    by_name = {(row.number, row.task): row for row in rows}
    mean = by_name["1", "mean"]
    assert mean.dataset is None
    assert (mean.shots, mean.backbone, mean.params) == (
        1,
        "icon-clip",
        by_name["1", EMOJI].params,
    )
    assert by_name["1", EMOJI].dataset == "emoji"
    assert mean.metrics["val/accuracy"] == pytest.approx(
        (by_name["1", DIGITS].metrics["val/accuracy"] + by_name["1", EMOJI].metrics["val/accuracy"]) / 2
    )
    boards = leaderboard(mark_best(rows, ["val/accuracy"]))
    assert [board.study for board in boards] == [DIGITS, EMOJI, "joint: mean over 2 tasks"]
    assert len({board.best.number for board in boards}) == 1
    text = plain_leaderboard(boards)
    assert text.count("Best selected on the mean val/accuracy of 2 tasks among 3 complete trials") == 3
    assert text.splitlines()[-1].startswith("2 tasks: ")


def test_status_shows_the_joint_study(finished):
    (study,) = sweep_status(finished.home).studies
    assert (study.task, study.total, study.complete, study.running) == ("joint", 4, 4, 0)
    assert study.best_value == pytest.approx(
        max(
            row.metrics["val/accuracy"]
            for row in finished.rows()
            if row.task == "mean" and row.number != "zero_shot"
        )
    )


def test_status_says_what_the_best_is_selected_by(finished):
    console = Console(file=io.StringIO(), width=100)
    console.print(status_table(sweep_status(finished.home)))
    assert "best (trial) by the mean val/accuracy of the tasks" in " ".join(console.file.getvalue().split())


def everything(home):
    """What all trials ended with, by file, times, processes and the checksums of all that aside.

    Numbers keep six digits: the last ones of a product depend on where in memory its operands lie.
    """
    kept = {}
    for path in sorted(home.path.glob("trials/**/result.json")):
        result = json.loads(path.read_text(), parse_float=lambda digits: float(f"{float(digits):.5e}"))
        kept[str(path.relative_to(home.path))] = {
            key: value
            for key, value in result.items()
            if key not in ("seconds", "worker", "checksum", "prompt_checksum")
        }
    return kept


def test_drivers_that_die_again_and_again_change_nothing(finished, module_sweep, empty_home, tmp_path):
    """Every driver tells one report and dies with the next in its hands, eleven reports in all."""
    home = Home(shutil.copytree(empty_home, tmp_path / "home"))
    deaths = 0
    while True:
        driver = Driver(module_sweep(), home)
        try:
            driver.run(reports=2)
            break
        except MachineWentAwayError:
            deaths += 1
    assert deaths >= 6
    assert everything(home) == everything(finished.home)
    runs = driver.child_runs()
    assert len(runs) == 4
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    client = connect(driver.tracking.uri)
    for key, epochs in ((DIGITS, 4), (EMOJI, 2)):
        history = client.get_metric_history(runs["joint/1"].info.run_id, f"{key}/train/loss")
        assert sorted(entry.step for entry in history) == list(range(1, epochs + 1))
    (study,), (undisturbed,) = driver.studies, finished.studies
    told, whole = dict(study.trials()), dict(undisturbed.trials())
    assert {n: (t.state, t.value, t.params) for n, t in told.items()} == {
        n: (t.state, t.value, t.params) for n, t in whole.items()
    }


def test_what_is_done_is_kept_when_the_machine_goes_away(module_sweep, empty_home, tmp_path):
    """It dies in the second task of plain CoOp; the first task is not trained again."""
    home = Home(shutil.copytree(empty_home, tmp_path / "home"))
    with pytest.raises(MachineWentAwayError):
        Driver(module_sweep("method.per_dataset.emoji.epochs=4"), home).run(reports=5)
    folder = home.trial("joint", "coop")
    assert (folder / EMOJI / "checkpoint" / "state.safetensors").exists()
    assert not (folder / EMOJI / "result.json").exists()
    before = (folder / DIGITS / "result.json").stat().st_mtime_ns
    again = Driver(module_sweep("method.per_dataset.emoji.epochs=4"), home)
    session = open_session(read_trial_spec(again.broker.next("t")))
    told = session.advance()
    assert (told.epoch, told.done) == (8, True)
    assert (folder / DIGITS / "result.json").stat().st_mtime_ns == before


def test_a_hopeless_trial_stops_in_its_first_task(module_sweep, empty_home, tmp_path):
    """A penalty that drowns everything else; the task that it never began has no folder."""
    sweep = module_sweep(
        "search.baselines=[]",
        "search.pruner=median",
        "search.pruner_options={n_startup_trials: 1, n_warmup_steps: 0}",
        "method.beta=1",
        "method.anneal=constant",
        "method.lr=0.02",  # So that the first trial learns enough to be better than chance.
        "method.epochs=20",
        "space.omega.high=1e6",
        "search.points=[{omega: 0.1}, {omega: 1e6}]",
    )
    driver = Driver(sweep, Home(shutil.copytree(empty_home, tmp_path / "home")))
    driver.run()
    (study,) = driver.studies
    trials = dict(study.trials())
    assert [trials[number].state.name for number in ("0", "1")] == ["COMPLETE", "PRUNED"]
    reason = trials["1"].user_attrs["reason"]
    assert f"of {DIGITS}, task 1 of 2" in reason
    assert not (driver.home.trial("joint", "1") / EMOJI).exists()
    run = driver.child_runs()["joint/1"]
    assert (run.info.status, run.data.tags["state"]) == ("FINISHED", "PRUNED")
    assert run.data.tags["nemesis.reason"] == reason
    assert "val/accuracy" not in run.data.metrics
    (row,) = [row for row in driver.rows() if row.number == "1"]
    assert (row.task, row.state, row.reason) == ("mean", "PRUNED", reason)


def test_a_replicate_that_fails_on_one_task_fails_the_trial(module_sweep, empty_home, tmp_path, monkeypatch):
    """There is no mean without it, so the tasks to come are not trained."""
    monkeypatch.setattr(
        "nemesis_sweep.sweep.worker.learning.Learning.failed_seeds",
        property(lambda session: [2] if session.spec.baseline == "coop" else []),
    )
    driver = Driver(module_sweep(), Home(shutil.copytree(empty_home, tmp_path / "home")))
    driver.run()
    ended = {told[2]: told[3:] for told in driver.watcher.told if told[0] == "finished"}
    state, value, reason = ended.pop("coop")
    assert state == "FAIL"
    assert value is None
    assert f"2 on {DIGITS}" in reason
    assert not (driver.home.trial("joint", "coop") / EMOJI).exists()
    assert {state for state, *_ in ended.values()} == {"COMPLETE"}
    (coop,) = [told for told in driver.rows() if told.number == "coop" and told.task == "mean"]
    assert coop.state == "FAIL"
