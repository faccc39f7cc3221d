"""Failed trials opened again: the same numbers and parameters, in the journal and in a database."""

import json
from dataclasses import replace

import pytest
from optuna.trial import TrialState

from nemesis_sweep.sweep.broker import TrialBroker
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.proposal import REASON
from nemesis_sweep.sweep.result import Report, Result
from nemesis_sweep.sweep.retry import retry_failed
from nemesis_sweep.sweep.rows import trial_rows
from nemesis_sweep.sweep.storage.choice import open_storage
from nemesis_sweep.sweep.study import TaskStudy
from nemesis_sweep.sweep.worker.result import CHECKPOINT, RESULT, write_result
from tests.sweep.test_broker import Silent

GOOD = Report(done=True, epoch=20, seconds=1.0, metrics={"val/accuracy": 50.0})
BAD = Report(done=True, failure="ValueError: no")


@pytest.fixture(params=["journal", "database"])
def sweep(request, make_sweep, tmp_path):
    where = [] if request.param == "journal" else [f"search.storage=sqlite:///{tmp_path / 'optuna.db'}"]
    return make_sweep("search.baselines=[coop]", "budget.trials=4", "budget.max_failures=2", *where)


@pytest.fixture
def home(tmp_path) -> Home:
    made = Home(tmp_path / "home")
    made.create()
    return made


def broker_over(sweep, home, storage) -> TrialBroker:
    (task,) = sweep.task_list()
    return TrialBroker(sweep, home, [TaskStudy(sweep, task, storage)], Silent())


def run(broker: TrialBroker, broken=()) -> dict[str, dict]:
    """Run whatever the broker hands out; parameters by number, in order."""
    begun = {}
    while (config := broker.next(f"t{len(begun)}")) is not None:
        begun[config["number"]] = config["params"]
        broker.complete(f"t{len(begun) - 1}", BAD if config["number"] in broken else GOOD)
    return begun


def states(broker: TrialBroker) -> dict[str, str]:
    return {number: trial.state.name for number, trial in broker.studies[0].trials()}


def test_failed_trials_are_trained_again_under_their_numbers(sweep, home) -> None:
    said: list[str] = []
    first = broker_over(sweep, home, open_storage(sweep, home))
    params = run(first, broken=("coop", "1"))
    before = {"coop": "FAIL", "0": "COMPLETE", "1": "FAIL", "2": "COMPLETE", "3": "COMPLETE"}
    assert states(first) == before
    # Without being asked nothing is tried again.
    again = broker_over(sweep, home, open_storage(sweep, home))
    assert run(again) == {}

    storage = retry_failed(sweep, home, open_storage(sweep, home), said.append)
    assert said == ["2 trials that failed are trained again"]
    retried = broker_over(sweep, home, storage)
    assert not retried.too_many_failures
    # A driver that dies now leaves them to the next, which need not be told again.
    retried = broker_over(sweep, home, open_storage(sweep, home))
    assert run(retried, broken=("coop",)) == {"coop": {}, "1": params["1"]}
    assert states(retried) == {**before, "1": "COMPLETE"}
    told = dict(retried.studies[0].trials())["1"]
    assert told.values == [50.0] and told.user_attrs[REASON] == ""
    assert dict(retried.studies[0].trials())["coop"].user_attrs[REASON] == "ValueError: no"

    # And again, and then there is nothing left; the numbers of new trials go on.
    assert run(
        broker_over(sweep, home, retry_failed(sweep, home, open_storage(sweep, home), said.append))
    ) == {"coop": {}}
    last = broker_over(sweep, home, retry_failed(sweep, home, open_storage(sweep, home), said.append))
    assert run(last) == {} and set(states(last).values()) == {"COMPLETE"}
    assert said[2] == "no trial has failed: there is nothing to try again"
    row = trial_rows(last.studies[0], "1", dict(last.studies[0].trials())["1"], home.path)[-1]
    assert (row.state, row.reason) == ("COMPLETE", "")


def test_twins_stay_what_they_are(sweep, home) -> None:
    """A proposal that another worker was training never ran, and is no failure."""
    (task,) = sweep.task_list()
    study = TaskStudy(sweep, task, open_storage(sweep, home))
    trial = study.study.ask()
    trial.set_user_attr("twin", 0)
    study.study.tell(trial, state=TrialState.FAIL)
    begun = study.beside.study.ask()  # Its driver died before it was named.
    study.beside.study.tell(begun, state=TrialState.FAIL)
    retry_failed(sweep, home, open_storage(sweep, home), lambda line: None)
    assert TaskStudy(sweep, task, open_storage(sweep, home)).next().number == "coop"


def test_a_result_that_is_not_finite_is_not_taken_for_one_again(sweep, home) -> None:
    broker = broker_over(sweep, home, open_storage(sweep, home))
    run(broker, broken=("0", "1"))
    whole = Result(
        study=broker.studies[0].key,
        number="0",
        baseline="",
        params={},
        config={},
        seeds=[1],
        epochs=2,
        metrics={},
        replicates={},
        failed_seeds=[],
        seconds=1.0,
    )
    for number, failed in (("0", [1]), ("2", [])):
        folder = home.trial(broker.studies[0].key, number)
        (folder / CHECKPOINT).mkdir(parents=True)
        write_result(folder, replace(whole, number=number, failed_seeds=failed))
    kept = home.trial(broker.studies[0].key, "1") / CHECKPOINT  # It goes on from there.
    kept.mkdir(parents=True)
    retry_failed(sweep, home, open_storage(sweep, home), lambda line: None)
    there = {path.parent.name for path in home.path.glob(f"trials/*/*/{RESULT}")}
    assert there == {"2"} and kept.exists()
    assert not (home.trial(broker.studies[0].key, "0") / CHECKPOINT).exists()


def test_a_failed_trial_may_be_pruned_but_not_before_it_is_tried(make_sweep, home) -> None:
    sweep = make_sweep(
        "search.baselines=[]", "search.pruner=median", "search.pruner_options={n_startup_trials: 1}"
    )
    (task,) = sweep.task_list()
    study = TaskStudy(sweep, task, open_storage(sweep, home))
    for value in (10.0, 90.0, 91.0, 92.0):
        number = study.next().number
        study.report(number, 5, value)
        failed = value == 10.0
        if not failed:
            study.report(number, 10, value)
        study.tell(number, TrialState.FAIL if failed else TrialState.COMPLETE, None if failed else value, 1.0)
    storage = retry_failed(sweep, home, open_storage(sweep, home), lambda line: None)
    study = TaskStudy(sweep, task, storage)
    assert study.next().number == "0"
    assert not study.report("0", 5, 10.0)  # It has told that before.
    assert study.report("0", 10, 10.0)


def test_the_command_takes_it_once(tmp_path) -> None:
    from click.testing import CliRunner

    from nemesis_sweep.cli import main

    file = tmp_path / "a.yaml"
    file.write_text(json.dumps({"name": "a", "tasks": {"dataset": "digits"}, "budget": {"trials": 0}}))
    for other in (["--fresh"], ["--simulate"]):
        answer = CliRunner().invoke(main, ["run", str(file), "--retry-failed", *other])
        assert answer.exit_code == 2 and "without --fresh and --simulate" in answer.output
