"""A cause that trials share, at the broker: no trial is spent, and whatever shares it waits."""

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.sweep.broker import TrialBroker
from nemesis_sweep.sweep.cause import BACKBONE, DATASET, TASK, WORKERS, Cause
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.joint import JointStudy
from nemesis_sweep.sweep.result import Report
from nemesis_sweep.sweep.study import TaskStudy
from tests.sweep.test_broker import Silent

TEXT = """
name: made
tasks: {backbone: [icon-clip, RN50@random], dataset: [digits, emoji], shots: 1, replicates: 1}
method: {epochs: 4, views: 1}
space: {omega: {low: 0.1, high: 100, log: true}}
search: {sampler: random, pruner: none, baselines: [coop]}
budget: {trials: 2, max_failures: 0}
"""
GOOD = Report(done=True, epoch=4, seconds=1.0, metrics={"val/accuracy": 50.0})


class Watcher(Silent):
    def __init__(self) -> None:
        self.waits: list[tuple[str, str]] = []

    def trial_waits(self, study, number, reason):
        self.waits.append((number, reason))


@pytest.fixture
def open_broker(make_sweep, storage, tmp_path):
    """A broker over all studies of the sweep; opened again it is that of the next run."""

    def open_(*changes: str) -> TrialBroker:
        sweep = make_sweep(*changes, text=TEXT)
        if sweep.search.study == "joint":
            studies = [JointStudy(sweep, storage)]
        else:
            studies = [TaskStudy(sweep, task, storage) for task in sweep.task_list()]
        home = Home(tmp_path / "home")
        home.create()
        home.lock.touch()
        return TrialBroker(sweep, home, studies, Watcher())

    return open_


def cause(kind: str, name: str) -> Report:
    return Report(done=True, cause=Cause(kind, name, "is gone"))


def key(config: dict) -> str:
    (task,) = [config["task"]] if "task" in config else [config["parts"][0]["task"]]
    return f"{task['backbone']} {task['dataset']}"


def run(broker: TrialBroker, broken=lambda _: None) -> list[tuple[str, str]]:
    """Run whatever the broker hands out; what was begun, in order."""
    begun = []
    while (config := broker.next(f"t{len(begun)}")) is not None:
        begun.append((key(config), config.get("number") or config["parts"][0]["number"]))
        broker.complete(f"t{len(begun) - 1}", broken(config) or GOOD)
    assert not broker.has_more
    return begun


ALL = {
    f"{backbone} {dataset}" for backbone in ("icon-clip", "RN50@random") for dataset in ("digits", "emoji")
}


@pytest.mark.parametrize(
    ("kind", "name", "waiting"),
    [
        (BACKBONE, "RN50@random", {"RN50@random digits", "RN50@random emoji"}),
        (DATASET, "emoji", {"icon-clip emoji", "RN50@random emoji"}),
        (TASK, "emoji-1shot-icon-clip", {"icon-clip emoji"}),
        (WORKERS, "", ALL),
    ],
)
def test_whatever_shares_a_cause_waits_and_goes_on_when_it_is_gone(open_broker, kind, name, waiting) -> None:
    broker = open_broker()
    begun = run(broker, lambda config: cause(kind, name) if key(config) in waiting else None)
    assert len([study for study, _ in begun if study in waiting]) == 1
    assert {study for study, _ in begun} >= ALL - waiting
    assert not broker.too_many_failures
    assert sum(study.counts()["fail"] for study in broker.studies) == 0
    assert [str(problem) for problem in broker.causes.error.problems] == [
        str(Cause(kind, name, "is gone").problem)
    ]
    told = broker.progress.waits
    # Told at once where others go on; else it is the end of the run that tells it.
    assert [bool(reason) for _, reason in told] == [waiting != ALL]

    later = open_broker()
    again = run(later)
    assert not later.causes
    assert sorted(number for study, number in begun + again if study == "icon-clip digits") == (
        ["0", "1", "coop"] if "icon-clip digits" not in waiting else ["0", "1", "coop", "coop"]
    )
    for study in later.studies:
        assert [(number, trial.state.name) for number, trial in study.trials()] == [
            ("coop", "COMPLETE"),
            ("0", "COMPLETE"),
            ("1", "COMPLETE"),
        ]


def test_every_cause_is_told_once(open_broker) -> None:
    broker = open_broker()
    first, second, third = broker.next("a"), broker.next("b"), broker.next("c")
    assert first and second and third
    broker.complete("a", cause(BACKBONE, "icon-clip"))
    broker.complete("b", cause(BACKBONE, "icon-clip"))
    broker.complete("c", cause(DATASET, "digits"))
    assert len(broker.causes.error.problems) == 2
    assert isinstance(broker.causes.error, UserError)
    # What another worker is at goes to its end.
    config = broker.next("d")
    assert config is not None and key(config) == "RN50@random emoji"


def test_a_joint_study_waits_for_any_of_its_tasks(open_broker) -> None:
    broker = open_broker("search.study=joint")
    config = broker.next("a")
    broker.complete("a", cause(DATASET, "emoji"))
    assert broker.next("b") is None and not broker.has_more and broker.causes
    again = open_broker("search.study=joint")
    assert again.next("a") == config


def test_a_worker_that_cannot_be_one(open_broker, tmp_path) -> None:
    """Ray's own words for an actor whose modules cannot be imported; Tune has tried it again by then."""
    log = tmp_path / "error.txt"
    log.write_text(
        "ray.exceptions.RayTaskError: ...\nRuntimeError: The actor with name PromptTrainable failed to "
        "import on the worker. This may be because needed library dependencies are not installed in the "
        "worker environment:\n\nModuleNotFoundError: No module named 'pydantic'"
    )
    broker = open_broker()
    broker.next("a")
    broker.note_error("a", log)
    broker.complete("a", None, failed=True)
    assert not broker.has_more
    assert "no worker can begin a trial: ModuleNotFoundError: No module named 'pydantic' (all of it: " in str(
        broker.causes.error
    )


def test_a_worker_that_could_after_all(open_broker, tmp_path) -> None:
    log = tmp_path / "error.txt"
    log.write_text("RuntimeEnvSetupError: no disk")
    broker = open_broker()
    broker.next("a")
    broker.note_error("a", log)
    broker.complete("a", GOOD)
    assert not broker.causes and broker.has_more
