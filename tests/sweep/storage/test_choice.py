"""Trials in a database: real SQLite files, shared by sweeps, opened again, lost, out of reach."""

from concurrent.futures import ThreadPoolExecutor

import optuna
import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.messages.passwords import masked
from nemesis_sweep.spec.dump import sweep_to_yaml
from nemesis_sweep.sweep.home.compatibility import set_aside
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.runner import open_studies
from nemesis_sweep.sweep.status import sweep_status
from nemesis_sweep.sweep.storage.choice import open_storage, stored
from nemesis_sweep.sweep.storage.database import open_database

KEY = "digits-4shot"


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'shared.db'}"


@pytest.fixture
def open_(make_sweep, tmp_path, url):
    """The study of a sweep in the shared database, as its driver would open it."""

    def open_study(home="home", *overrides, storage=url):
        place = Home(tmp_path / home)
        place.create()
        sweep = make_sweep(f"search.storage={storage}", "search.pruner=median", *overrides)
        (study,) = open_studies(sweep, place)
        place.sweep_file.write_text(sweep_to_yaml(sweep))
        return study

    return open_study


def complete(study, value=50.0):
    """Run the next trial to its end."""
    proposal = study.next()
    assert study.report(proposal.number, 5, value) is False
    study.tell(proposal.number, optuna.trial.TrialState.COMPLETE, value, 1.0)
    return proposal.number


def names(url):
    return sorted(optuna.get_all_study_names(url))


def test_a_driver_that_starts_again_finds_its_trials_and_goes_on_with_those_that_ran(open_, tmp_path):
    study = open_()
    assert [complete(study) for _ in range(3)] == ["zero_shot", "coop", "0"]
    running = study.next()
    again = open_()
    assert again.counts() == {"complete": 1, "pruned": 0, "fail": 0, "running": 1}
    resumed = again.next()
    assert (resumed.number, resumed.params) == (running.number, running.params)
    status = sweep_status(Home(tmp_path / "home"))
    assert (status.studies[0].complete, status.studies[0].running, status.studies[0].best_value) == (3, 1, 50)
    assert not (tmp_path / "home" / "optuna.journal").exists()


def test_the_same_seed_proposes_the_same_in_a_database_as_in_a_journal(open_, make_sweep, tmp_path):
    (journal,) = open_studies(make_sweep("search.pruner=median"), Home(tmp_path))
    database = open_()
    for number in range(6):
        assert complete(journal, 40.0 + number) == complete(database, 40.0 + number)
    assert [trial.params for _, trial in journal.trials()] == [trial.params for _, trial in database.trials()]


def test_two_homes_in_one_database_never_mix(open_, url):
    """Not even when their sweeps have the same name and the same task."""
    one, other = open_("one"), open_("other")
    complete(one)
    assert (len(one.trials()), len(other.trials())) == (1, 0)
    found = names(url)
    assert len(found) == 4
    assert all(name.startswith("made-") and f"/{KEY}" in name for name in found)
    assert len({name.split("/")[0] for name in found}) == 2


def test_starting_over_leaves_the_former_studies_to_the_home_that_is_kept(open_, tmp_path, url):
    complete(open_())
    kept = set_aside(Home(tmp_path / "home"))
    assert open_().trials() == []
    assert sweep_status(Home(kept)).studies[0].complete == 1
    assert len(names(url)) == 4


@pytest.mark.parametrize("kind", ["sqlite", "mysql"])
def test_the_record_keeps_no_password(make_sweep, tmp_path, kind, monkeypatch):
    """Nothing answers as MySQL here: what is checked is what is written, what is shown and what is opened."""
    opened = []

    class Empty:
        def get_all_studies(self):
            return []

    def open_database(url, prefix):
        opened.append(url)
        return Empty()

    monkeypatch.setattr("nemesis_sweep.sweep.storage.database.open_database", open_database)
    home = Home(tmp_path)
    url = "mysql://me:secret@h/d" if kind == "mysql" else "sqlite:////x/y.db"
    open_storage(make_sweep(f"search.storage={url}"), home)
    record = home.path / "storage.json"
    assert opened == [url]
    assert f'"{masked(url)}"' in record.read_text()
    assert "secret" not in record.read_text()
    with pytest.raises(UserError, match="are in another storage") as refused:
        open_storage(make_sweep(), home)
    assert "secret" not in str(refused.value)
    assert "search.storage: " in str(refused.value)
    if kind == "mysql":  # another password is no other storage
        open_storage(make_sweep("search.storage=mysql://me:new@h/d"), home)
        assert opened[-1] == "mysql://me:new@h/d"
        for given in ("", "mysql://me:secret@elsewhere/d"):
            monkeypatch.setenv("NEMESIS_SWEEP_STORAGE", given)
            with pytest.raises(UserError, match="NEMESIS_SWEEP_STORAGE: the address is without its password"):
                stored(home)
        monkeypatch.setenv("NEMESIS_SWEEP_STORAGE", url)
        stored(home)
        assert opened[-1] == url
        opened.clear()
        open_storage(make_sweep("search.storage=mysql://me:***@h/d"), home)
        monkeypatch.delenv("NEMESIS_SWEEP_STORAGE")
        with pytest.raises(UserError, match="NEMESIS_SWEEP_STORAGE: the address is without its password"):
            open_storage(make_sweep("search.storage=mysql://me:***@h/d"), home)
    assert opened[-1] == url


def test_trials_of_the_journal_are_not_left_behind(open_, make_sweep, tmp_path):
    home = Home(tmp_path / "home")
    home.create()
    open_studies(make_sweep(), home)
    with pytest.raises(UserError, match=r"another storage.*\n.*the journal in the home -> sqlite"):
        open_()


def test_a_relative_file_is_the_same_from_every_folder(open_, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    complete(open_(storage="sqlite:///near.db"))
    assert (tmp_path / "near.db").is_file()
    assert len(open_(storage=f"sqlite:///{tmp_path / 'near.db'}").trials()) == 1
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    with pytest.raises(UserError, match="another storage"):
        open_(storage="sqlite:///near.db")


def test_studies_that_are_gone_are_not_begun_anew_beside_their_trials(open_, tmp_path):
    complete(open_())
    (tmp_path / "home" / "trials").mkdir()
    (tmp_path / "shared.db").unlink()
    with pytest.raises(UserError, match="are no longer in sqlite"):
        open_()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite:////nowhere/at/all.db", "unable to open database file"),
        ("oracle://me:secret@127.0.0.1:1/x", "no driver"),
        ("sqlite+nosuch:////tmp/x.db", "nosuch"),
    ],
)
def test_what_cannot_be_opened_is_one_clear_error(url, told):
    with pytest.raises(UserError) as refused:
        open_database(url, "made-1")
    (problem,) = refused.value.problems
    assert problem.key == "search.storage"
    assert told in str(problem)
    assert "secret" not in str(problem)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    file = tmp_path / "text.db"
    file.write_text("not a database, but long enough to be looked at by SQLite " * 40)
    with pytest.raises(UserError, match="file is not a database"):
        open_database(f"sqlite:///{file}", "made-1")


def test_sweeps_that_begin_at_the_same_moment_make_the_tables_once(url):
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda n: open_database(url, f"made-{n}"), range(4)))
    for number, storage in enumerate(opened):
        optuna.create_study(storage=storage, study_name="digits")
        assert names(url)[number] == f"made-{number}/digits"
