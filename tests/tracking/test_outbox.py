"""The file that MLflow's events wait in, however its writer died."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from nemesis_sweep.tracking.outbox import CLOSE, METRICS, OPEN, Outbox, event
from nemesis_sweep.tracking.trial_run import TrialRun
from tests.small_disk import limited_files


def kinds(outbox: Outbox, start: int = 0) -> list[str]:
    return [each["event"] for each in outbox.read(start)[0]]


def test_events_come_back_as_they_were_from_wherever_one_stopped(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    assert outbox.read() == ([], 0)
    assert (outbox.size, outbox.is_open) == (0, False)
    first = event(OPEN, params={"words": "a photo\nof a naïve \ud800", "list": [1, None]}, tags={})
    outbox.append(first)
    events, end = outbox.read()
    assert (events, end, outbox.is_open) == ([first], outbox.size, True)
    outbox.append(event(METRICS, epoch=1, metrics={"loss": math.nan}), event(CLOSE, status="KILLED"))
    assert kinds(outbox, end) == [METRICS, CLOSE]
    assert math.isnan(outbox.read(end)[0][0]["metrics"]["loss"])
    assert not outbox.is_open
    assert kinds(outbox, outbox.size + 100) == [
        OPEN,
        METRICS,
        CLOSE,
    ]  # Another file than the one that was read.


def test_a_line_cut_at_any_byte_costs_nothing_but_itself(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.append(event(OPEN))
    whole = outbox.size
    outbox.append(event(METRICS, epoch=1, metrics={"loss": 1.5}))
    content = outbox.path.read_bytes()
    for cut in range(whole, len(content)):
        outbox.path.write_bytes(content[:cut])
        assert outbox.read() == ([json.loads(content[9:whole])], whole)  # It may still be written.
        outbox.append(event(CLOSE))
        assert kinds(outbox) == [OPEN, CLOSE] or (cut == len(content) - 1 and METRICS in kinds(outbox))


def test_a_flipped_byte_is_never_believed(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.append(event(METRICS, epoch=1, metrics={"loss": 1.5}))
    content = outbox.path.read_bytes()
    for place in range(len(content) - 1):
        flipped = bytearray(content)
        flipped[place] ^= 1
        outbox.path.write_bytes(flipped)
        assert outbox.read()[0] == []


def test_a_full_disk_leaves_no_half_event(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.append(event(OPEN))
    before = outbox.path.read_bytes()
    with limited_files(len(before) + 10), pytest.raises(OSError, match=r"outbox\.jsonl"):
        outbox.append(event(CLOSE, reason="x" * 100))
    assert outbox.path.read_bytes() == before


def test_workers_do_not_import_mlflow() -> None:
    """So they start 2 s earlier and take less memory."""
    code = "import nemesis_sweep.sweep.worker.joint_trial, sys; print('mlflow' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


def test_what_was_logged_is_known_without_mlflow(tmp_path: Path) -> None:
    run = TrialRun.open(tmp_path, {}, {})
    run.log_epoch(1, {"loss": 2.0})
    size = Outbox(tmp_path).size
    again = TrialRun(Outbox(tmp_path))
    again.log_epoch(1, {"loss": 2.0})
    again.log_final(1, {"loss": 2.0})
    assert Outbox(tmp_path).size == size
