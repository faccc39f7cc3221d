"""What is told of a simulation, and kept of it."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.report.results import read_results
from nemesis_sweep.report.simulated import (
    NAME,
    SimulationProgress,
    best_found,
    hours,
    print_simulation,
    with_simulated,
    write_simulated,
)
from nemesis_sweep.sweep.best import mark_best
from nemesis_sweep.sweep.row import Row


def row(number, ended, value, state="COMPLETE", baseline=""):
    metrics = {"val/accuracy": value, "test/accuracy": value - 1}
    return Row(
        study="s", dataset="digits", shots=4, backbone="icon-clip", protocol="few_shot",
        number=number, baseline=baseline, state=state, reason="", epochs=20,
        params={} if baseline else {"omega": 1.0}, seeds=[1, 2], seconds=5.0, ended=ended,
        metrics=metrics, replicates={name: [v, v] for name, v in metrics.items()},
    )  # fmt: skip


ROWS = [
    row("zero_shot", 1.0, 99.0, baseline="zero_shot"),
    row("coop", 10.0, 60.0, baseline="coop"),
    row("0", 33.0, 70.0),
    row("1", 40.0, 90.0, state="PRUNED"),
    row("2", 64.0, 65.0),
]


def test_the_best_found_against_simulated_time():
    assert best_found(ROWS, "val/accuracy", 64.0) == [
        (1.0, 1, None),
        (2.0, 1, None),
        (4.0, 1, None),
        (8.0, 1, None),
        (16.0, 2, 60.0),
        (32.0, 2, 60.0),
        (64.0, 5, 70.0),
    ]


def test_of_a_loss_the_best_is_the_lowest():
    rows = [replace(r, metrics={"val/loss": r.metrics["val/accuracy"]}) for r in ROWS]
    assert best_found(rows, "val/loss", 64.0)[-1] == (64.0, 5, 60.0)


def test_every_title_says_that_it_is_simulated():
    file = io.StringIO()
    print_simulation(
        mark_best(ROWS, ["val/accuracy"]),
        ["val/accuracy"],
        7200.0,
        "Invented.",
        Console(file=file, width=200),
    )
    text = file.getvalue()
    assert text.startswith("SIMULATED s\n")
    assert "SIMULATED s: best val/accuracy against simulated time" in text
    assert "SIMULATED 1 task" in text
    assert text.splitlines()[-1] == "SIMULATED: 5 trials in 2.0 h of simulated time (7200 s). Invented."
    assert "      2        5    70.00" in text


def test_results_are_kept_where_nothing_takes_them_for_real_ones(tmp_path):
    import pyarrow.parquet as pq

    path = write_simulated(tmp_path, ROWS)
    assert path == tmp_path / NAME
    table = pq.read_table(path).to_pylist()
    assert [r["ended"] for r in table] == [1.0, 10.0, 33.0, 40.0, 64.0]
    assert all(r["simulated"] for r in table)
    with pytest.raises(UserError, match="does not exist"):
        read_results(tmp_path)
    path.rename(tmp_path / "results.parquet")
    with pytest.raises(UserError, match="was not written by nemesis-sweep"):
        read_results(tmp_path)


def test_progress_tells_how_far_it_is(monkeypatch):
    file, now = io.StringIO(), [0.0]
    progress = SimulationProgress(3, 10, lambda: now[0], Console(file=file, width=200), "SIMULATED: begins")
    with progress:
        progress.trial_started("s", "0", {})
        now[0] = 5400.0
        progress.trial_finished("s", "0", "COMPLETE", 1.0, 5.0)
    first, last = file.getvalue().splitlines()
    assert first == "SIMULATED: begins"
    assert last.startswith("SIMULATED: 4/10 trials, 1.5 h simulated, ")


def test_hours():
    assert [hours(59.0), hours(3599.0), hours(3600.0), hours(100000.0)] == [
        "59 s",
        "59 min 59 s",
        "1.0 h",
        "27.8 h",
    ]


def test_what_the_journal_does_not_have_is_not_read_from_the_results(tmp_path) -> None:
    """A journal that was cut off is the record of trials; the results of an earlier run are not."""
    write_simulated(tmp_path, ROWS)
    journal = [replace(row, metrics={}, replicates={}) for row in ROWS if row.number in ("coop", "0")]
    told = with_simulated(tmp_path, journal)
    assert sorted((row.number, row.metrics["test/accuracy"]) for row in told) == [("0", 69.0), ("coop", 59.0)]
