"""What a trial tells: the same on the way through Tune, between processes, and in `result.json`."""

import json
from dataclasses import replace

import pytest
from ray.tune.utils import flatten_dict

from nemesis_sweep.files.sealed import sealed
from nemesis_sweep.sweep.cause import TASK, Cause
from nemesis_sweep.sweep.result import Report, Result
from nemesis_sweep.sweep.worker.result import RESULT, read_result, write_result
from tests.sweep.home.earlier import unpacked

WHOLE = Report(
    epoch=10,
    metrics={"val/accuracy": 51.5, "train/loss": 0.25},
    replicates={"val/accuracy": [51.0, 52.0], "train/loss": [0.25, 0.25]},
    seconds=2.5,
    failed_seeds=["2 on digits"],
    done=True,
    note="trained again, for a file is damaged",
)
REPORTS = {
    "whole": WHOLE,
    "nothing": Report(),
    "failure": Report(done=True, failure="ValueError: no (all of it: /x)", out_of_memory=True),
    "full": Report(done=True, full="/x (no space)"),
    "cause": Report(done=True, cause=Cause(TASK, "digits-1shot", "is gone", "x", "y", "a-node")),
}
each_report = pytest.mark.parametrize("told", REPORTS.values(), ids=REPORTS)

RECORD = {
    "study": "digits-1shot", "task": "digits-1shot", "number": "7", "baseline": "",
    "params": {"omega": 1.5}, "config": {"omega": 1.5, "views": "epochs"}, "seeds": [1, 2], "epochs": 4,
    "metrics": {"val/accuracy": 51.5}, "replicates": {"val/accuracy": [51.0, 52.0]}, "failed_seeds": [],
    "seconds": 2.5, "worker": "host:1", "selected_share": None, "prompt_checksum": "ab",
}  # fmt: skip


@each_report
def test_a_report_is_the_same_after_json(told):
    assert Report.from_json(json.loads(json.dumps(told.to_json()))) == told


@each_report
def test_a_report_is_the_same_after_tune(told):
    """Tune adds names of its own and joins nested ones before it hands a result on."""
    own = {"trial_id": "a", "training_iteration": 1, "config": {"home": "/x", "task": {"dataset": "d"}}}
    assert Report.from_tune(flatten_dict({**told.to_json(), **own})) == told


def test_a_trial_that_tune_ends_before_it_has_told_anything_has_an_empty_report():
    """It hands on what it fills in by itself, or the trial's name alone."""
    for own in ({"trial_id": "a"}, {"trial_id": "a", "done": None, "pid": 1, "config/home": "/x"}):
        assert Report.from_tune(own) == Report()


def test_what_is_at_its_default_is_not_sent():
    assert Report().to_json() == {"epoch": 0, "done": False}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([], "a report has epoch and done"),
        ({"done": True}, "a report has epoch and done"),
        ({"epoch": "1", "done": True}, "epoch: Input should be a valid integer"),
        ({"epoch": 1, "done": 1}, "done: Input should be a valid boolean"),
        ({"epoch": 1, "done": True, "metrics": {"x": "y"}}, "metrics.x: Input should be a valid number"),
    ],
)
def test_what_is_no_report_is_refused(record, message):
    with pytest.raises(ValueError, match=message):
        Report.from_json(record)


def test_a_result_keeps_names_order_and_values():
    assert list(Result.from_json(RECORD).to_json().items()) == list(RECORD.items())


@pytest.mark.parametrize("name", ["study", "params", "metrics", "failed_seeds", "seconds"])
def test_a_result_without_what_every_version_wrote_is_refused(name):
    with pytest.raises(ValueError, match=f"{name}: Field required"):
        Result.from_json({key: value for key, value in RECORD.items() if key != name})


def test_nothing_is_converted():
    for name, value in (("epochs", "4"), ("seeds", ["1"]), ("metrics", {"x": "1"}), ("params", [])):
        with pytest.raises(ValueError, match=name):
            Result.from_json({**RECORD, name: value})


def test_results_of_an_earlier_version_are_read_and_would_be_written_alike(tmp_path):
    """Of every kind: trained and not, of one task, of a task in a joint trial, and of a whole joint trial."""
    files = sorted(unpacked(tmp_path).glob("**/result.json"))
    kinds = set()
    for file in files:
        record = json.loads(file.read_text())
        result = read_result(file.parent)
        assert result is not None
        kinds.add((bool(result.epochs), bool(result.task), result.study == "joint"))
        # That version wrote no checksums.
        assert list(result.to_json().items()) == list(record.items())
        write_result(file.parent, result)
        again = read_result(file.parent)
        assert again is not None and again == replace(result, checksum=again.checksum)
    assert kinds == {
        (trains, *where)
        for trains in (True, False)
        for where in ((True, False), (True, True), (False, True))
    }  # fmt: skip


def test_a_later_version_may_add_to_a_result(tmp_path):
    write_result(tmp_path, Result.from_json(RECORD))
    record = json.loads((tmp_path / RESULT).read_text())
    del record["checksum"]
    (tmp_path / RESULT).write_text(json.dumps(sealed({**record, "more": 1})))
    found = read_result(tmp_path)
    assert found is not None and found.params == {"omega": 1.5} and found.checksum


def test_the_last_report_of_a_result():
    told = Result.from_json({**RECORD, "step": 12}).report("a note")
    assert (told.epoch, told.done, told.note, told.measured["seconds"]) == (12, True, "a note", 2.5)
    assert Result.from_json(RECORD).last_step == 4
