"""The status of a sweep in a narrow terminal."""

import io

from rich.console import Console

from nemesis_sweep.report.status_table import status_table
from nemesis_sweep.sweep.status import StudyStatus, SweepStatus


def test_a_name_does_not_steer_the_terminal() -> None:
    status = SweepStatus(
        name="pan", simulated=False, home="a\x1b[31m\nb", objective="val/accuracy",
        objectives=("val/accuracy",), constraints=(), driver=None, driver_host="", studies=(),
    )  # fmt: skip
    file = io.StringIO()
    Console(file=file, width=80).print(status_table(status))
    assert file.getvalue().startswith(r"pan in a\u001b[31m\nb: not running")


def test_in_a_terminal_without_room_for_the_table_nothing_is_cut() -> None:
    study = StudyStatus(
        task="photos-4shot", total=15, complete=12, running=1, pruned=2, failed=0, best_value=72.22,
        best_test=47.22, best_params={}, best_trial="control-of-2", front=(), trial_seconds=60.0,
        eta_seconds=None,
    )  # fmt: skip
    status = SweepStatus(
        name="photos", simulated=False, home="sweeps/photos", objective="val/accuracy",
        objectives=("val/accuracy",), constraints=(), driver=None, driver_host="", studies=(study,),
    )  # fmt: skip
    file = io.StringIO()
    Console(file=file, width=40).print(status_table(status))
    told = " ".join(file.getvalue().split())
    assert "photos-4shot: 14/15 done, 2 pruned, 0 failed, 1 waiting; best 72.22 (control-of-2), its" in told


def test_the_longest_counts_leave_room_for_a_usual_name() -> None:
    study = StudyStatus(
        task="digits-16shot", total=15, complete=12, running=1, pruned=0, failed=0, best_value=29.69,
        best_test=31.78, best_params={}, best_trial="coop", front=(), trial_seconds=60.0, eta_seconds=262.0,
    )  # fmt: skip
    status = SweepStatus(
        name="pan", simulated=False, home="sweeps/pan", objective="val/accuracy",
        objectives=("val/accuracy",), constraints=(), driver=1, driver_host="here", studies=(study,),
    )  # fmt: skip
    file = io.StringIO()
    Console(file=file, width=80).print(status_table(status))
    lines = file.getvalue().splitlines()
    assert any(line.startswith("digits-16shot ") and line.rstrip().endswith("4 min 22 s") for line in lines)
