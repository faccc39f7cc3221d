"""A cause that trials share, at the desk: no trial is spent, and whatever shares it waits."""

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.sweep.cause import BACKBONE, DATASET, TASK, WORKERS, Cause
from nemesis_sweep.sweep.desk import Desk
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.joint import JointStudy
from nemesis_sweep.sweep.study import TaskStudy
from tests.sweep.test_desk import Silent

TEXT = """
name: made
tasks: {backbone: [icon-clip, RN50@random], dataset: [digits, emoji], shots: 1, replicates: 1}
method: {epochs: 4, views: 1}
space: {omega: {low: 0.1, high: 100, log: true}}
search: {sampler: random, pruner: none, baselines: [coop]}
budget: {trials: 2, max_failures: 0}
"""
GOOD = {"done": True, "epoch": 4, "val/accuracy": 50.0, "seconds": 1.0}


class Watcher(Silent):
    def __init__(self) -> None:
        self.waits: list[tuple[str, str]] = []

    def trial_waits(self, study, number, reason):
        self.waits.append((number, reason))


@pytest.fixture
def open_desk(make_sweep, storage, tmp_path):
    """A desk over all studies of the sweep; opened again it is that of the next run."""

    def open_(*changes: str) -> Desk:
        sweep = make_sweep(*changes, text=TEXT)
        if sweep.search.study == "joint":
            studies = [JointStudy(sweep, storage)]
        else:
            studies = [TaskStudy(sweep, task, storage) for task in sweep.task_list()]
        home = Home(tmp_path / "home")
        home.create()
        home.lock.touch()
        return Desk(sweep, home, studies, Watcher())

    return open_


def cause(kind: str, name: str) -> dict:
    return {"done": True, "epoch": 0, "cause": Cause(kind, name, "is gone").to_plain()}


def key(config: dict) -> str:
    (task,) = [config["task"]] if "task" in config else [config["parts"][0]["task"]]
    return f"{task['backbone']} {task['dataset']}"


def run(desk: Desk, broken=lambda _: None) -> list[tuple[str, str]]:
    """Run whatever the desk hands out; what was begun, in order."""
    begun = []
    while (config := desk.next(f"t{len(begun)}")) is not None:
        begun.append((key(config), config.get("number") or config["parts"][0]["number"]))
        desk.complete(f"t{len(begun) - 1}", broken(config) or GOOD)
    assert not desk.has_more
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
def test_whatever_shares_a_cause_waits_and_goes_on_when_it_is_gone(open_desk, kind, name, waiting) -> None:
    desk = open_desk()
    begun = run(desk, lambda config: cause(kind, name) if key(config) in waiting else None)
    assert len([study for study, _ in begun if study in waiting]) == 1
    assert {study for study, _ in begun} >= ALL - waiting
    assert not desk.too_many_failures
    assert sum(study.counts()["fail"] for study in desk.studies) == 0
    assert [str(problem) for problem in desk.causes.error.problems] == [
        str(Cause(kind, name, "is gone").problem)
    ]
    told = desk.progress.waits
    # Told at once where others go on; else it is the end of the run that tells it.
    assert [bool(reason) for _, reason in told] == [waiting != ALL]

    later = open_desk()
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


def test_every_cause_is_told_once(open_desk) -> None:
    desk = open_desk()
    first, second, third = desk.next("a"), desk.next("b"), desk.next("c")
    assert first and second and third
    desk.complete("a", cause(BACKBONE, "icon-clip"))
    desk.complete("b", cause(BACKBONE, "icon-clip"))
    desk.complete("c", cause(DATASET, "digits"))
    assert len(desk.causes.error.problems) == 2
    assert isinstance(desk.causes.error, UserError)
    # What another worker is at goes to its end.
    config = desk.next("d")
    assert config is not None and key(config) == "RN50@random emoji"


def test_a_joint_study_waits_for_any_of_its_tasks(open_desk) -> None:
    desk = open_desk("search.study=joint")
    config = desk.next("a")
    desk.complete("a", cause(DATASET, "emoji"))
    assert desk.next("b") is None and not desk.has_more and desk.causes
    again = open_desk("search.study=joint")
    assert again.next("a") == config


def test_a_worker_that_cannot_be_one(open_desk, tmp_path) -> None:
    """Ray's own words for an actor whose modules cannot be imported; Tune has tried it again by then."""
    log = tmp_path / "error.txt"
    log.write_text(
        "ray.exceptions.RayTaskError: ...\nRuntimeError: The actor with name PromptTrainable failed to "
        "import on the worker. This may be because needed library dependencies are not installed in the "
        "worker environment:\n\nModuleNotFoundError: No module named 'pydantic'"
    )
    desk = open_desk()
    desk.next("a")
    desk.note_error("a", log)
    desk.complete("a", None, failed=True)
    assert not desk.has_more
    assert "no worker can begin a trial: ModuleNotFoundError: No module named 'pydantic' (all of it: " in str(
        desk.causes.error
    )


def test_a_worker_that_could_after_all(open_desk, tmp_path) -> None:
    log = tmp_path / "error.txt"
    log.write_text("RuntimeEnvSetupError: no disk")
    desk = open_desk()
    desk.next("a")
    desk.note_error("a", log)
    desk.complete("a", GOOD)
    assert not desk.causes and desk.has_more
