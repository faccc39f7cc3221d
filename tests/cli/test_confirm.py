"""The best trained again on fresh seeds, from the command to the records; a loop takes Ray's part."""

import json
import shutil
from pathlib import Path

import pytest

from nemesis_sweep.report.results import read_results
from nemesis_sweep.sweep.worker.result import read_result
from tests.trained_home import SWEEP, make_home, verb

STUDY = "digits-1shot"
CONFIRM = ("--set", "search.confirm={top: 3, seeds: 3}")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A home of a sweep that confirmed nothing at first, and everything that may be the best later."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("base")
        patch.setenv("NEMESIS_SWEEP_CACHE", str(folder / "features"))
        file = make_home(folder, patch, SWEEP.replace(", control", "")).with_name("made.yaml")
        before = results(folder / "home")
        answer = verb(patch, "run", file, "--home", folder / "home", *CONFIRM)
        assert answer.exit_code == 0, answer.output
        (folder / "said").write_text(answer.output)
        after = results(folder / "home")
        assert {path: after[path] for path in before} == before
    return folder


@pytest.fixture
def home(base, tmp_path, monkeypatch):
    monkeypatch.setenv("NEMESIS_SWEEP_CACHE", str(base / "features"))
    return Path(shutil.copytree(base / "home", tmp_path / "home"))


def results(home):
    return {path.parent.name: path.read_bytes() for path in home.glob("trials/*/*/result.json")}


def test_a_sweep_that_is_done_may_be_confirmed_and_all_records_tell_the_seeds(base, home):
    again = {f"confirm-of-{number}" for number in ("coop", "0", "1")}
    rows = {row.number: row for row in read_results(home) if row.baseline == "confirm"}
    assert set(rows) == again
    for number, row in rows.items():
        assert (row.state, row.best, row.seeds) == ("COMPLETE", False, [3, 4, 5])
        assert len(row.replicates["test/accuracy"]) == 3
        folder = home / "trials" / STUDY / number
        assert read_result(folder).seeds == [3, 4, 5]
        opened = json.loads((folder / "outbox.jsonl").read_text().splitlines()[0].partition(" ")[2])
        assert (opened["tags"]["seeds"], opened["tags"]["nemesis.baseline"]) == ([3, 4, 5], "confirm")
    assert list(json.loads((home / f"episodes/{STUDY}.json").read_text())["episodes"]) == list("12345")
    assert "Trained again on seeds 3 to 5, which selected nothing" in (base / "said").read_text()


def test_status_counts_them_and_has_them_in_its_tables(home, monkeypatch):
    told = json.loads(verb(monkeypatch, "status", home, "--table", "--json").stdout)
    assert [told["studies"][0][name] for name in ("total", "complete", "running")] == [7, 7, 0]
    confirmed = told["leaderboard"][0]["confirmed"]
    assert len(confirmed) == 3 and {tuple(each["seeds"]) for each in confirmed} == {(3, 4, 5)}
    assert told["studies"][0]["best_trial"] == confirmed[0]["trial"]


def test_one_whose_result_is_damaged_is_trained_again_on_its_own_seeds_and_nothing_else(
    base, home, monkeypatch
):
    before = results(home)
    file = home / "trials" / STUDY / "confirm-of-0" / "result.json"
    metrics = json.loads(file.read_text())["metrics"]
    file.write_bytes(b"")
    answer = verb(monkeypatch, "run", base / "made.yaml", "--home", home, *CONFIRM)
    assert answer.exit_code == 0 and "trial confirm-of-0: trained again, for" in answer.output
    after = results(home)
    repeated = json.loads(after.pop("confirm-of-0"))
    assert (repeated["seeds"], repeated["metrics"]) == ([3, 4, 5], pytest.approx(metrics))
    assert all(before[number] == content for number, content in after.items())


def test_other_seeds_are_refused_where_some_were_confirmed(base, home, monkeypatch):
    file = base / "made.yaml"
    answer = verb(monkeypatch, "run", file, "--home", home, "--set", "search.confirm={seeds: 4}")
    assert answer.exit_code == 2 and "search.confirm.seeds: 3 -> 4" in answer.stderr
