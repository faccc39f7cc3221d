"""Trials in a real PostgreSQL: a driver killed with -9, two sweeps in one database, what is told."""

import subprocess
import sys
import threading
from pathlib import Path

import optuna
import pytest
from click.testing import CliRunner

from nemesis_sweep.cli import main
from nemesis_sweep.spec.dump import sweep_to_yaml
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.runner import open_studies
from nemesis_sweep.sweep.status import sweep_status
from nemesis_sweep.sweep.storage.database import lost
from tests.postgresql import PASSWORD, Server, postgresql
from tests.sweep.conftest import TEXT

KEY = "digits-4shot"
# A driver that trains nothing: it asks, reports and is killed in the middle of its second trial.
DRIVER = """
import sys
from pathlib import Path
from optuna.trial import TrialState
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.names import known_names
from nemesis_sweep.sweep.runner import open_studies

(study,) = open_studies(load_sweep(Path(sys.argv[1]), (), known_names()), Home(Path(sys.argv[2])))
first = study.next()
study.report(first.number, 5, 40.0)
study.tell(first.number, TrialState.COMPLETE, 50.0, 1.0)
second = study.next()
study.report(second.number, 5, 30.0)
print("in the middle", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def server():
    with postgresql() as made:
        yield made


@pytest.fixture
def make(make_sweep, server: Server):
    """A sweep of the server, with overrides."""

    def make_(*overrides: str, url: str = ""):
        more = ("search.pruner=median", "search.baselines=[]", *overrides)
        return make_sweep(f"search.storage={url or server.url()}", *more, text=TEXT)

    return make_


def test_a_driver_that_is_killed_goes_on_beside_another_sweep(
    make, make_sweep, tmp_path, server, monkeypatch
):
    monkeypatch.setenv("NEMESIS_SWEEP_STORAGE", server.url())  # The home keeps no password.
    sweep, homes = make(), [Home(tmp_path / name) for name in ("one", "other")]
    for home in homes:
        home.create()
        home.sweep_file.write_text(sweep_to_yaml(sweep).replace("***", "s3%3Acr%40t"))
    line = [sys.executable, "-c", DRIVER, str(homes[0].sweep_file), str(homes[0].path)]
    driver = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert driver.stdout.readline() == "in the middle\n"
    driver.kill()
    driver.wait(60)

    (other,) = open_studies(sweep, homes[1])
    assert other.trials() == []
    assert other.next().number == "0"
    (again,) = open_studies(sweep, homes[0])
    status = sweep_status(homes[0]).studies[0]
    assert (status.complete, status.running, status.best_value) == (1, 1, 50.0)
    (journal,) = open_studies(make_sweep("search.pruner=median", "search.baselines=[]"), Home(tmp_path))
    for number in range(6):
        proposal, same = again.next() if number else None, journal.next()
        if proposal is not None:
            assert (proposal.number, proposal.params) == (str(number), same.params)
            again.tell(proposal.number, optuna.trial.TrialState.COMPLETE, 40.0 + number, 1.0)
        journal.tell(same.number, optuna.trial.TrialState.COMPLETE, 40.0 + number if number else 50.0, 1.0)
    assert again.counts() == {"complete": 6, "pruned": 0, "fail": 0, "running": 0}
    assert again.study.trials[1].intermediate_values == {5: 30.0}
    assert len(other.trials()) == 1


def test_a_server_that_is_started_anew_is_waited_for_and_one_that_is_lost_is_told(
    make, tmp_path, server, monkeypatch
):
    (study,) = open_studies(make(), Home(tmp_path))
    first = study.next()
    server.stop()
    later = threading.Timer(1.0, server.start)
    later.start()
    assert study.report(first.number, 5, 40.0) is False
    later.join()
    monkeypatch.setattr("nemesis_sweep.sweep.storage.database.PATIENCE", 0.0)
    server.stop()
    try:
        with pytest.raises(optuna.exceptions.StorageInternalError) as raised:
            study.next()
    finally:
        server.start()
    (problem,) = lost(raised.value, server.url()).problems
    assert problem.key == "search.storage"
    assert "the storage was lost (connection" in str(problem)
    assert "s3%3Acr%40t" not in str(problem)
    assert lost(ValueError("another"), server.url()) is None


def refused(file: Path, home: Path, url: str) -> str:
    """What `run` says to an address that it cannot use."""
    answer = CliRunner().invoke(
        main, ["run", str(file), "--home", str(home), "--set", f"search.storage={url}"]
    )
    assert answer.exit_code == 2, answer.output
    assert len(answer.stderr.strip().splitlines()) == 1
    assert not {PASSWORD, "s3%3Acr%40t", "wr0ng"} & set(answer.output.replace(":", " ").split())
    assert "wr0ng" not in answer.output
    return answer.stderr


def test_what_is_wrong_is_told_in_one_line_without_the_password(make, tmp_path, server):
    file = tmp_path / "made.yaml"
    make()
    told = refused(file, tmp_path / "h", server.url(password="wr0ng"))
    assert 'password authentication failed for user "me"' in told
    assert f"postgresql://me:***@127.0.0.1:{server.port}/postgres" in told
    assert 'database "nowhere" does not exist' in refused(
        file, tmp_path / "h", server.url(database="nowhere")
    )
    server.stop()
    try:
        assert "Connection refused" in refused(file, tmp_path / "h", server.url())
    finally:
        server.start()
