"""The journal: waiting trials are found as Optuna finds them, without going through all others."""

import time

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import TrialState

from nemesis_sweep.sweep.storage.journal import Journal
from nemesis_sweep.sweep.storage.journal_file import copy_of, mend
from tests.small_disk import limited_files


def enqueue_and_ask(storage):
    """The order in which trials are handed out while points are added in between."""
    study = optuna.create_study(study_name="s", storage=storage, load_if_exists=True)
    given = []
    for number in range(6):
        if number in (0, 3):
            for x in range(2):
                study.enqueue_trial({"x": 10.0 * number + x})
        trial = study.ask()
        given.append((trial.number, trial.suggest_float("x", 0, 100) if number < 5 else None))
        if number % 2:
            study.tell(trial, 1.0)
    waiting = study.get_trials(states=(TrialState.WAITING,))
    return [number for number, _ in given], [x for _, x in given][:2], [trial.number for trial in waiting]


@pytest.mark.parametrize("synced", [True, False])
def test_trials_are_handed_out_as_by_optunas_own(tmp_path, synced):
    theirs = JournalStorage(JournalFileBackend(str(tmp_path / "theirs")))
    ours = Journal(tmp_path / "ours", synced)
    assert enqueue_and_ask(ours) == enqueue_and_ask(theirs)
    again = JournalStorage(JournalFileBackend(str(tmp_path / "ours")))
    assert [t.state for t in again.get_all_trials(0)] == [t.state for t in theirs.get_all_trials(0)]


def test_what_was_enqueued_behind_is_found_after_many_trials(tmp_path):
    study = optuna.create_study(storage=Journal(tmp_path / "j", synced=False))
    for _ in range(20):
        study.tell(study.ask(), 1.0)
    study.enqueue_trial({"x": 0.25})
    trial = study.ask()
    assert trial.number == 20
    assert trial.suggest_float("x", 0, 1) == 0.25


def test_an_ask_does_not_go_through_the_trials_that_are_over(tmp_path, monkeypatch):
    storage = Journal(tmp_path / "j", synced=False)
    study = optuna.create_study(storage=storage)
    for _ in range(5):
        study.tell(study.ask(), 1.0)
    looked = []
    get_trial = storage.get_trial
    monkeypatch.setattr(storage, "get_trial", lambda number: looked.append(number) or get_trial(number))
    assert storage.get_all_trials(0, deepcopy=False, states=(TrialState.WAITING,)) == []
    assert len(looked) <= 1


def test_what_a_driver_left_that_died_while_it_wrote_is_in_nobodys_way(tmp_path):
    """Half an entry behind the last one, and Optuna's lock."""
    path = tmp_path / "j"
    study = optuna.create_study(study_name="s", storage=Journal(path))
    study.tell(study.ask(), 1.0)
    before = path.read_bytes()
    study.tell(study.ask(), 2.0)
    path.write_bytes(path.read_bytes()[: len(before) + 10])
    copy_of(path).write_bytes(before)  # It gets an entry when the journal has it.
    assert JournalFileSymlinkLock(str(path)).acquire()

    mend(path)
    started = time.monotonic()
    again = optuna.load_study(study_name="s", storage=Journal(path))
    again.tell(again.ask(), 3.0)
    assert time.monotonic() - started < 10
    assert path.read_bytes().startswith(before)
    values = [trial.value for trial in optuna.load_study(study_name="s", storage=Journal(path)).trials]
    assert values == [1.0, 3.0]
    whole = path.read_bytes()
    mend(path)
    assert path.read_bytes() == whole


def test_there_may_be_nothing_to_mend(tmp_path):
    mend(tmp_path / "j")
    assert not (tmp_path / "j").exists()


@pytest.mark.parametrize("synced", [True, False])
def test_an_entry_that_finds_no_room_leaves_nothing_and_can_be_written_later(tmp_path, synced):
    path = tmp_path / "j"
    study = optuna.create_study(study_name="s", storage=Journal(path, synced))
    before = path.read_bytes()
    with limited_files(len(before) + 20), pytest.raises(OSError, match=str(path)):
        study.ask()
    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == (["j", "j.copy"] if synced else ["j"])
    study.tell(study.ask(), 1.0)
    again = optuna.load_study(study_name="s", storage=Journal(path, synced))
    assert [trial.state for trial in again.get_trials()] == [TrialState.COMPLETE]


def test_a_journal_that_is_gone_is_not_begun_anew(tmp_path):
    """The home was removed while a run was on: what is written now would lack its beginning."""
    study = optuna.create_study(study_name="s", storage=Journal(tmp_path / "home.journal"))
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError):
        study.ask()
    assert list(tmp_path.glob("*.journal*")) == []
