"""A journal that was damaged is mended from its copy, or refused; it is never read wrong."""

import json
import os
import random

import optuna
import pytest

from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.sweep.storage.journal import Journal, mend_journal
from nemesis_sweep.sweep.storage.journal_file import copy_of, mend, refuse_damaged, rewrite


@pytest.fixture
def path(tmp_path):
    """A journal of five trials."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = tmp_path / "optuna.journal"
    study = optuna.create_study(study_name="s", storage=Journal(path))
    for _ in range(5):
        trial = study.ask()
        trial.suggest_float("omega", 0.1, 100, log=True)
        trial.report(50.25, 1)
        study.tell(trial, 60.5)
    return path


def trials(path):
    return [
        (t.number, t.params, t.values, t.state)
        for t in optuna.load_study(storage=Journal(path), study_name="s").trials
    ]


def test_optunas_own_storage_reads_it(path):
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    theirs = optuna.load_study(storage=JournalStorage(JournalFileBackend(str(path))), study_name="s")
    assert [t.values for t in theirs.trials] == [[60.5]] * 5
    assert copy_of(path).read_bytes() == path.read_bytes()


DAMAGE = {
    "missing": lambda content: None,
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "truncated at a line": lambda content: b"".join(content.splitlines(keepends=True)[:7]),
    "random": lambda content: os.urandom(len(content)),
    "zeros": lambda content: bytes(len(content)),
    "wrong type": lambda content: b"[]",
    "a broken line": lambda content: content.replace(b'"op_code"', b'"op_co', 9).replace(
        b'"op_co', b'"op_code"', 8
    ),
    "random in the middle": lambda content: content[:400] + os.urandom(300) + content[700:],
    "a digit of a value": lambda content: content.replace(b"60.5", b"69.5", 1),
    "a digit of a report": lambda content: content.replace(b"50.25", b"50.35", 1),
    "a line twice": lambda content: content + b"not an entry\n" + content[-30:],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_journal_is_restored_from_its_copy(path, damage):
    before, whole = trials(path), path.read_bytes()
    damaged = DAMAGE[damage](whole)
    assert damaged != whole
    path.unlink()
    if damaged is not None:
        path.write_bytes(damaged)
    with pytest.raises(DamagedError):
        refuse_damaged(path)
    (told,) = mend(path)
    assert str(path) in told
    assert (path.read_bytes(), trials(path)) == (whole, before)
    assert mend(path) == []


def test_no_bit_changes_unseen(path):
    whole, before = path.read_bytes(), trials(path)
    random.seed(1)
    for place in random.sample(range(8 * len(whole)), 60):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        # A bit of the checksum's own name: the entry reads as one of an earlier version, and says the same.
        copy_of(path).write_bytes(whole)
        mend(path)
        assert trials(path) == before


def test_a_damaged_copy_is_made_again(path):
    whole = path.read_bytes()
    copy_of(path).write_bytes(whole.replace(b"60.5", b"61.5"))
    assert mend(path) == []
    assert copy_of(path).read_bytes() == path.read_bytes() == whole


def test_entries_that_only_the_journal_has_are_kept(path):
    """The copy could not be written for a while; then a line before that was damaged."""
    lines = path.read_bytes().splitlines(keepends=True)
    copy_of(path).write_bytes(b"".join(lines[:9]))
    path.write_bytes(b"".join([*lines[:3], b"?\n", *lines[4:]]))
    assert len(mend(path)) == 1
    assert path.read_bytes() == b"".join(lines)


@pytest.mark.parametrize("copy", ["none", "damaged too", "too short", "of another journal"])
def test_what_the_copy_cannot_mend_is_refused_and_left_as_it_is(path, copy, tmp_path):
    lines = path.read_bytes().splitlines(keepends=True)
    damaged = b"".join([*lines[:10], b'{"half', *lines[11:]])
    path.write_bytes(damaged)
    if copy == "none":
        copy_of(path).unlink()
    elif copy == "damaged too":
        copy_of(path).write_bytes(damaged)
    elif copy == "too short":
        copy_of(path).write_bytes(b"".join(lines[:9]))
    else:
        optuna.create_study(study_name="s", storage=Journal(tmp_path / "other"))
        copy_of(path).write_bytes((tmp_path / "other").read_bytes())
    with pytest.raises(UserError, match="the sweep's journal is damaged in line 11") as told:
        mend_journal(path)
    assert "--fresh" in str(told.value)
    assert path.read_bytes() == damaged


def old(path):
    """The journal as an earlier version left it: without checksums, without a copy."""
    entries = [json.loads(line) for line in path.read_bytes().splitlines()]
    plain = [{name: value for name, value in entry.items() if name != "crc"} for entry in entries]
    path.write_text("".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in plain))
    copy_of(path).unlink()


def test_a_journal_of_an_earlier_version_goes_on(path):
    before = trials(path)
    old(path)
    refuse_damaged(path)
    assert mend(path) == []
    study = optuna.load_study(storage=Journal(path), study_name="s")
    study.tell(study.ask(), 1.0)
    assert trials(path)[:5] == before
    assert b"crc" not in path.read_bytes().splitlines()[0] and b"crc" in path.read_bytes().splitlines()[-1]
    assert copy_of(path).read_bytes() == path.read_bytes()


def test_an_entry_that_optuna_cannot_read_is_told(path):
    old(path)
    path.write_text(path.read_text().replace('"op_code":4', '"op_code":44'))
    with pytest.raises(UserError, match="Optuna cannot read the sweep's journal"):
        Journal(path)


def test_entries_are_rewritten_in_both_files(path):
    def change(entry):
        if entry.get("trial_id") != 2:
            return entry
        if entry["op_code"] == 5:
            return {**entry, "param_value_internal": 7.0}
        return None if entry["op_code"] == 6 else entry

    before = trials(path)
    rewrite(path, change)
    after = trials(path)
    assert after[2] == (2, {"omega": 7.0}, None, optuna.trial.TrialState.RUNNING)
    assert after[:2] + after[3:] == before[:2] + before[3:]
    assert mend(path) == [] and copy_of(path).read_bytes() == path.read_bytes()
    with pytest.raises(ValueError, match="numbers others"):
        rewrite(path, lambda entry: None)


def test_a_large_journal_is_looked_through_in_no_time(path):
    import time

    lines = path.read_bytes().splitlines(keepends=True)
    content = b"".join(lines * 5000)
    path.write_bytes(content)
    copy_of(path).write_bytes(content)
    started = time.perf_counter()
    mend(path)
    assert time.perf_counter() - started < 5
