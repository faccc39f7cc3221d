"""What the best trials leave for MLflow: a picture of each, as if it were the only one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nemesis_sweep.report.best_records import write_best_records
from nemesis_sweep.report.page.record import read_sweeps
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.tracking.trial_run import TrialRun
from tests.sweep.home.earlier import unpacked


def test_a_figure_that_is_used_again_shows_nothing_of_the_trial_before(tmp_path: Path) -> None:
    home = unpacked(tmp_path) / "per_task"
    trained = [row for row in read_sweeps([home])[0].rows if row.epochs and row.state == "COMPLETE"]
    rows = [
        replace(row, best=True, selected_share=[[0.25] * (2 + number)])
        for number, row in enumerate(trained[:3])
    ]
    for number, row in enumerate(rows):
        run = TrialRun.open(Home(home).trial(row.study, row.number), {}, {})
        for epoch in (1, 2):
            run.log_epoch(epoch, {"train/accuracy": 10.0 * number + epoch, "norm/mean": 0.1 * number + epoch})
    together = [(folder / "trial.png").read_bytes() for folder in write_best_records(home, rows)]
    alone = [(write_best_records(home, [row])[0] / "trial.png").read_bytes() for row in rows]
    assert together == alone
    assert len(set(alone)) == len(rows) == 3
