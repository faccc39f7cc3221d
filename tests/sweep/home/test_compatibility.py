"""Which changes of a sweep file its home takes, and starting over."""

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.dump import sweep_to_yaml
from nemesis_sweep.sweep.home.compatibility import refuse_another_sweep, set_aside
from nemesis_sweep.sweep.home.folder import Home


@pytest.fixture
def home(make_sweep, tmp_path) -> Home:
    """A home made for the usual sweep, with hours."""
    made = Home(tmp_path / "home")
    made.create()
    made.lock.touch()
    made.sweep_file.write_text(sweep_to_yaml(make_sweep("budget.hours=2")))
    return made


@pytest.mark.parametrize(
    "changes",
    [
        ("budget.hours=2",),
        ("budget.hours=1", "budget.trials=2"),
        ("budget.hours=2", "resources.cpus=2", "search.sampler=random", "budget.max_failures=1"),
    ],
)
def test_the_same_or_less_goes_on(make_sweep, home, changes):
    refuse_another_sweep(make_sweep(*changes), home)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (("budget.hours=2", "budget.trials=8"), "budget.trials: 6 -> 8"),
        (("budget.hours=3",), "budget.hours: 2.0 -> 3.0"),
        ((), "budget.hours: 2.0 -> null"),
        (("budget.hours=2", "tasks.shots=[4, 8]"), "new task: digits-8shot"),
    ],
)
def test_more_needs_extend(make_sweep, home, changes, told):
    with pytest.raises(UserError, match=r"this home holds a smaller sweep.*--extend") as refused:
        refuse_another_sweep(make_sweep(*changes), home)
    assert str(refused.value).splitlines()[1:] == [f"  changed: {told}"]
    refuse_another_sweep(make_sweep(*changes), home, extend=True)


def test_what_cannot_be_compared_is_refused_even_with_extend(make_sweep, home):
    with pytest.raises(UserError, match=r"holds another sweep.*--fresh") as refused:
        refuse_another_sweep(make_sweep("method.epochs=21", "budget.trials=9"), home, extend=True)
    assert "method.epochs: 20 -> 21" in str(refused.value)
    assert "budget.trials" not in str(refused.value)


def test_starting_over_keeps_what_was_there(home):
    text = home.sweep_file.read_text()
    kept = set_aside(home)
    assert kept is not None
    assert kept.name == "home.1"
    assert (kept / "sweep.yaml").read_text() == text
    assert not home.path.exists()
    assert set_aside(home) is None
    home.create()
    with home.driver_lock():
        home.sweep_file.write_text(text)
    assert set_aside(home).name == "home.2"


def test_starting_over_leaves_other_folders_and_running_sweeps_alone(home, tmp_path):
    other = tmp_path / "pictures"
    other.mkdir()
    (other / "cat.png").write_bytes(b"cat")
    with pytest.raises(UserError, match="not the home of a sweep"):
        set_aside(Home(other))
    with home.driver_lock(), pytest.raises(UserError, match="another run is at work"):
        set_aside(Home(home.path))
    assert home.sweep_file.exists()


def test_a_home_in_which_no_sweep_began_is_taken_as_it_is(tmp_path):
    empty = Home(tmp_path / "empty")
    empty.create()
    with empty.driver_lock():
        pass
    assert set_aside(empty) is None


def test_a_home_that_is_a_link_leads_to_a_new_folder_where_the_former_one_was(tmp_path):
    """That disk was chosen for sweeps, and the link may be what others know it by."""
    (tmp_path / "disk").mkdir()
    place = tmp_path / "disk" / "pan"
    place.mkdir()
    (tmp_path / "sweeps").symlink_to(place)
    home = Home(tmp_path / "sweeps")
    home.lock.touch()
    home.sweep_file.write_text("name: pan")
    assert set_aside(home) == tmp_path / "disk" / "pan.1"
    assert (tmp_path / "sweeps").is_symlink() and (tmp_path / "sweeps").resolve() == place
    assert list(place.iterdir()) == []
    assert (tmp_path / "disk" / "pan.1" / "sweep.yaml").exists()
    home.create()
    home.lock.touch()
    home.sweep_file.write_text("name: pan")
    assert set_aside(home) == tmp_path / "disk" / "pan.2"


def test_a_link_that_leads_nowhere_is_one_clear_error(tmp_path):
    (tmp_path / "sweeps").symlink_to(tmp_path / "gone" / "pan")
    home = Home(tmp_path / "sweeps")
    assert set_aside(home) is None
    with pytest.raises(UserError, match="--home"):
        home.create()
