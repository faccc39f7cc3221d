"""A home keeps the names of its tasks: those that it gave, and those of the versions before."""

import json
import shutil

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.sweep.home.compatibility import refuse_another_sweep
from nemesis_sweep.sweep.home.episodes import record_episodes
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.home.task_names import named_in, record_names
from nemesis_sweep.sweep.runner import open_studies
from nemesis_sweep.sweep.status import sweep_status
from tests.sweep.home.earlier import DIGITS, PHOTOS, unpacked


@pytest.fixture
def earlier(tmp_path, monkeypatch):
    """The folder of the sweep file; its homes are as an earlier version left them."""
    monkeypatch.chdir(unpacked(tmp_path))
    return tmp_path


def keys(sweep) -> list[str]:
    return [task.key for task in sweep.task_list()]


@pytest.mark.parametrize("kind", ["per_task", "joint", "simulated"])
def test_a_home_of_an_earlier_version_goes_on_under_its_names(earlier, kind) -> None:
    home = Home(earlier / kind)
    file = earlier / "sweep.yaml"
    plain = load_sweep(file, [f"search.study={'joint' if kind == 'joint' else 'per_task'}"])
    assert keys(plain) == ["digits-1shot", "photos-1shot"]
    sweep = named_in(home, plain)
    assert keys(sweep) == [DIGITS, PHOTOS]
    refuse_another_sweep(sweep, home)
    before = {path: path.read_text() for path in home.path.glob("episodes/*")}
    if kind != "simulated":
        record_episodes(sweep, home)  # Refuses data that it takes for other than then.
    assert {path: path.read_text() for path in home.path.glob("episodes/*")} == before
    studies = open_studies(sweep, home)
    assert [study.has_more() for study in studies] == [False] * len(studies)
    assert [status.complete for status in sweep_status(home).studies] == [4] * len(studies)
    record_names(sweep, home)
    assert keys(named_in(home, plain)) == [DIGITS, PHOTOS]


def test_more_tasks_in_a_home_of_an_earlier_version(earlier) -> None:
    home = Home(earlier / "per_task")
    more = load_sweep(earlier / "sweep.yaml", ["tasks.backbone=[icon-clip, RN50]", "tasks.shots=[1, 2]"])
    sweep = named_in(home, more)
    expected = [DIGITS, "digits-2shot-icon-clip", PHOTOS, "photos-2shot-icon-clip"]
    assert keys(sweep) == [
        *expected,
        *(f"{name}shot-RN50" for name in ("digits-1", "digits-2", "photos-1", "photos-2")),
    ]
    with pytest.raises(UserError) as refused:
        refuse_another_sweep(sweep, home)
    assert str(refused.value).splitlines()[1:3] == [
        "  changed: new task: digits-2shot-icon-clip",
        "  changed: new task: photos-2shot-icon-clip",
    ]
    # Tasks of the earlier version that this run leaves out are still there for the next.
    record_names(named_in(home, load_sweep(earlier / "sweep.yaml", ["tasks.dataset=[emoji]"])), home)
    assert keys(named_in(home, more)) == keys(sweep)


def test_an_extended_sweep_keeps_its_names(make_sweep, tmp_path) -> None:
    home = Home(tmp_path / "home")
    first = named_in(home, make_sweep("tasks.dataset=[./a/photos]"))
    assert keys(first) == ["photos-4shot"]
    record_names(first, home)
    more = ("tasks.dataset=[./b/photos, ./a/photos]", "tasks.backbone=[RN50, icon-clip]")
    names = ["b-photos-4shot-RN50", "a-photos-4shot-RN50", "b-photos-4shot-icon-clip", "photos-4shot"]
    extended = named_in(home, make_sweep(*more))
    assert keys(extended) == names
    record_names(extended, home)
    record_names(named_in(home, make_sweep("tasks.dataset=[./b/photos]")), home)
    assert keys(named_in(home, make_sweep(*more))) == names
    written = json.loads((home.path / "tasks.json").read_text())["tasks"]
    assert written["photos-4shot"] == {
        "backbone": "icon-clip",
        "dataset": "./a/photos",
        "shots": 4,
        "protocol": "few_shot",
    }
    assert len(written) == 4


def test_targets_keep_the_names_that_their_metrics_have(make_sweep, earlier) -> None:
    overrides = ("tasks.protocol=domain_generalization", "tasks.targets=[./photos, ./b/photos]")
    sweep = named_in(Home(earlier / "new"), make_sweep(*overrides))
    assert list(sweep.task_list()[0].tested) == [f"{earlier.name}-photos", "b-photos"]
    record_names(sweep, Home(earlier / "new"))
    moved = shutil.copytree(earlier / "new", earlier / "moved")
    assert named_in(Home(moved), make_sweep(*overrides)).task_list() == sweep.task_list()
    file = earlier / "per_task" / "episodes" / f"{DIGITS}.json"
    file.rename(file.with_name("digits-1shot-domain_generalization-icon-clip.json"))
    old = named_in(Home(earlier / "per_task"), make_sweep("tasks.shots=1", *overrides))
    assert list(old.task_list()[0].tested) == ["photos-bd92f2e2", "b-photos-1b36f67b"]


def test_a_task_is_proposed_the_same_points_whatever_it_is_called(make_sweep, tmp_path) -> None:
    homes = Home(tmp_path / "one"), Home(tmp_path / "other")
    for home in homes:
        home.create()
    alone = open_studies(make_sweep(), homes[0])
    beside = open_studies(make_sweep("tasks.backbone=[icon-clip, RN50]"), homes[1])
    assert (alone[0].key, beside[0].key) == ("digits-4shot", "digits-4shot-icon-clip")
    points = [[study.next().params for _ in range(5)] for study in (alone[0], beside[0])]
    assert points[0] == points[1]


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"tasks": {"a": 1}, "targets": {}}', '{"tasks": {"a": {"shots": 1}}}']
)
def test_a_damaged_record_is_one_clear_error(make_sweep, tmp_path, text) -> None:
    (tmp_path / "tasks.json").write_text(text)
    with pytest.raises(UserError, match=r"tasks\.json.*cannot read what this home calls its tasks"):
        named_in(Home(tmp_path), make_sweep())
