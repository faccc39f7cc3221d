from __future__ import annotations

import io
import threading
import time

import pytest
from rich.console import Console

from nemesis_sweep.report.progress import Progress
from nemesis_sweep.report.study_counts import StudyCounts, duration, one_line, trial_name
from nemesis_sweep.sweep.best import Candidate, best, candidate


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def plain(studies: list[StudyCounts], clock: Clock | None = None) -> tuple[Progress, io.StringIO]:
    file = io.StringIO()
    return Progress(studies, console=Console(file=file, width=60), clock=clock or Clock()), file


def may_be_best(number: str, value: float, loss: float | None = None) -> Candidate:
    return candidate(number, [value], ["maximize"], loss, "")


def test_plain_lines() -> None:
    before = StudyCounts("digits-1shot", 4, complete=2, best=may_be_best("7", 50.0))
    progress, file = plain([StudyCounts("clipart-1shot", 3), before])
    with progress:
        progress.trial_started("clipart-1shot", "coop", {})
        progress.trial_finished(
            "clipart-1shot", "coop", "COMPLETE", 61.234, 4.21, "", may_be_best("coop", 61.234)
        )
        progress.trial_started("clipart-1shot", "0", {"omega": 3.16227, "n_ctx": 8})
        progress.epoch("clipart-1shot", "0", 5, 50, {"val/accuracy": 41.0})
        progress.trial_finished("clipart-1shot", "0", "PRUNED", 41.0, 1.0, "pruned at epoch 5")
        progress.trial_started("clipart-1shot", "1", {"omega": 1.0})
        error = "RuntimeError:\n\x1b[31mout of\x1b[0m memory\r\n"
        progress.trial_finished("clipart-1shot", "1", "FAIL", float("nan"), 2.0, error)
    assert file.getvalue().splitlines() == [
        "2 studies, 7 trials, 2 of them done before; starting Ray and its workers",
        "[3/7] clipart-1shot baseline coop complete val/accuracy 61.23 in 4.2 s",
        "[4/7] clipart-1shot trial 0 pruned val/accuracy 41.00 in 1.0 s: pruned at epoch 5 (omega=3.16 "
        "n_ctx=8)",
        "[5/7] clipart-1shot trial 1 fail in 2.0 s: RuntimeError: [31mout of [0m memory (omega=1)",
        "clipart-1shot done: 1 complete, 1 pruned, 1 failed; best 61.23 (baseline coop)",
    ]
    assert all(char.isprintable() or char == "\n" for char in file.getvalue())


def test_a_plain_line_tells_what_runs_when_nothing_else_was_told_for_a_minute() -> None:
    clock = Clock()
    progress, file = plain([StudyCounts("a", 20), StudyCounts("b", 4)], clock)

    def told() -> list[str]:
        before = len(file.getvalue())
        progress.tell_if_quiet()
        return file.getvalue()[before:].splitlines()

    clock.now += 59
    assert told() == []
    clock.now += 1
    assert told() == ["0/24 trials, starting Ray and its workers, 1 min 00 s so far, 0.0 trials/min, ETA -"]
    assert told() == []
    for number in range(5):
        progress.trial_started("a", str(number), {"omega": 1.0})
    progress.epoch("a", "1", 10, 50, {"val/accuracy": 55.5})
    clock.now += 30
    progress.trial_finished("a", "0", "COMPLETE", 61.234, 4.2, "", may_be_best("0", 61.234))
    progress.trial_started("b", "coop", {})
    clock.now += 59
    assert told() == []
    clock.now += 1
    best = "(best 61.23 (trial 0))"
    assert told() == [
        "1/24 trials, 5 running, 2 min 30 s so far, 0.4 trials/min, ETA 57 min 30 s: "
        f"a trial 1 at epoch 10/50 {best}; a trial 2 {best}; a trial 3 {best}; a trial 4 {best}; and 1 more"
    ]


def test_nobody_has_to_ask_for_that_line_and_there_is_none_in_a_terminal_or_afterwards() -> None:
    progress, file = plain([StudyCounts("a", 20)])
    quick = Progress(progress.studies.values(), console=progress.console, quiet=0.02)
    live = Progress([StudyCounts("a", 2)], console=terminal(), quiet=0.02)
    with quick, live:
        quick.trial_started("a", "7", {})
        deadline = time.monotonic() + 30
        while "1 running" not in file.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert "a trial 7" in file.getvalue()
    before = file.getvalue()
    time.sleep(0.2)
    assert file.getvalue() == before
    assert not [thread for thread in threading.enumerate() if thread.name == "progress"]


def test_a_line_that_has_begun_is_the_last_one(monkeypatch) -> None:
    progress, file = plain([StudyCounts("a", 20)])
    slow = Progress(progress.studies.values(), console=progress.console, quiet=0.02)
    begun = threading.Event()

    def line() -> str:
        begun.set()
        time.sleep(0.3)
        return "what is running"

    monkeypatch.setattr(slow, "_running_line", line)
    with slow:
        assert begun.wait(30)
    assert file.getvalue().endswith("what is running\n")


def test_the_best_is_chosen_as_in_every_table() -> None:
    """Equals by the objective go to the lower validation loss, then to the earlier trial."""
    progress, _ = plain([StudyCounts("a", 9)])
    candidates = [may_be_best(number, value, loss) for number, value, loss in TIED]
    for each in candidates:
        progress.trial_started("a", each.number, {})
        progress.trial_finished("a", each.number, "COMPLETE", each.values[0], 1.0, "", each)
    progress.trial_finished("a", "8", "PRUNED", 99.0, 1.0)
    assert progress.studies["a"].best == best(candidates)
    assert progress.studies["a"].best.number == "3"


TIED = [("0", 2.0, 0.1), ("1", 3.0, 0.5), ("3", 3.0, 0.2), ("2", 3.0, None), ("4", 3.0, 0.2)]


def test_what_cannot_be_the_best_is_counted() -> None:
    progress, _ = plain([StudyCounts("a", 9)])
    progress.trial_finished("a", "coop", "COMPLETE", 60.0, 1.0, "", may_be_best("coop", 60.0))
    progress.trial_finished("a", "zero_shot", "COMPLETE", 90.0, 1.0)
    progress.trial_finished("a", "0", "COMPLETE", 70.0, 1.0, "breaks seconds < 1")
    assert progress.studies["a"].complete == 3
    assert progress.studies["a"].best == may_be_best("coop", 60.0)


def test_rate_and_eta_count_this_run_only() -> None:
    clock = Clock()
    progress, _ = plain([StudyCounts("a", 20, complete=8)], clock)
    with progress:
        assert progress.eta is None
        for number in range(2):
            progress.trial_started("a", str(number), {})
            progress.trial_finished("a", str(number), "COMPLETE", 1.0, 1.0)
        clock.now += 10
        assert progress.rate == pytest.approx(0.2)
        assert progress.eta == pytest.approx(50.0)


def test_a_restarted_trial_is_counted_once() -> None:
    progress, _ = plain([StudyCounts("a", 2)])
    progress.trial_started("a", "0", {})
    progress.epoch("a", "0", 7, 50, {})
    progress.trial_started("a", "0", {})
    assert progress.studies["a"].running == 1
    assert progress.running["a", "0"].epoch == 0
    progress.trial_finished("a", "0", "COMPLETE", 1.0, 1.0)
    assert progress.studies["a"].running == 0
    assert progress.running == {}


def test_unknown_states_are_refused() -> None:
    progress, _ = plain([StudyCounts("a", 2)])
    with pytest.raises(ValueError, match="COMPLETE, PRUNED, FAIL but got 'DONE'"):
        progress.trial_finished("a", "0", "DONE", 1.0, 1.0)


def rendered(progress: Progress) -> str:
    console = progress.console
    with console.capture() as capture:
        console.print(progress.view())
    return capture.get()


def terminal(height: int = 40) -> Console:
    return Console(force_terminal=True, color_system=None, width=110, height=height, file=io.StringIO())


def test_live_view() -> None:
    clock = Clock()
    progress = Progress(
        [StudyCounts("clipart-1shot", 14), StudyCounts("[b]", 14)], console=terminal(), clock=clock
    )
    progress.trial_started("clipart-1shot", "coop", {})
    progress.trial_finished("clipart-1shot", "coop", "COMPLETE", 61.234, 4.2, "", may_be_best("coop", 61.234))
    progress.trial_started("clipart-1shot", "3", {"omega": 3.16227})
    progress.epoch("clipart-1shot", "3", 10, 50, {"val/accuracy": 55.5})
    progress.epoch("clipart-1shot", "3", 12, 50, {"train/loss": 0.5})
    clock.now += 30
    lines = rendered(progress).splitlines()
    assert lines[0].rstrip() == "1/28 trials, 1 running, 30 s so far, 2.0 trials/min, ETA 13 min 30 s"
    study = next(line for line in lines if line.startswith("clipart-1shot "))
    assert study.split() == ["clipart-1shot", "1/14", "1", "0", "0", "1", "61.23", "(baseline", "coop)"]
    running = next(line for line in lines if line.startswith("clipart-1shot trial 3"))
    assert running.split() == ["clipart-1shot", "trial", "3", "12/50", "55.50", "omega=3.16"]
    assert any(line.startswith("[b] ") for line in lines)


def test_the_view_fits_the_terminal() -> None:
    progress = Progress([StudyCounts(f"task-{n}", 5) for n in range(60)], console=terminal(height=24))
    for n in range(60):
        progress.trial_started(f"task-{n}", "0", {})
    lines = rendered(progress).splitlines()
    assert len(lines) <= 24
    assert sum("and 53 more" in line for line in lines) == 2
    assert sum(line.startswith("task-") for line in lines) == 14


def test_open_studies_are_shown_first() -> None:
    studies = [StudyCounts(f"over-{n}", 1, complete=1) for n in range(30)] + [StudyCounts("open", 5)]
    assert "open" in rendered(Progress(studies, console=terminal(height=24)))


def test_failures_are_told_above_the_live_view() -> None:
    console = terminal()
    with Progress([StudyCounts("a", 2)], console=console) as progress:
        progress.trial_started("a", "0", {})
        progress.trial_finished("a", "0", "FAIL", None, 1.0, "out of memory")
        progress.trial_started("a", "1", {})
        progress.trial_finished("a", "1", "COMPLETE", 5.0, 1.0)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "a trial 0 fail in 1.0 s: out of memory" in text
    assert "trial 1 complete" not in text
    assert "2/2 trials" in text


def test_drawing_and_telling_from_two_threads_never_block_each_other() -> None:
    console = terminal()
    stop = threading.Event()
    with Progress([StudyCounts("a", 100)], console=console) as progress:

        def draw() -> None:
            while not stop.is_set():
                assert progress._live is not None
                progress._live.refresh()
                time.sleep(0.001)  # locks are not fair: without it a slow machine starves the teller

        def tell() -> None:
            for number in map(str, range(50)):
                progress.trial_started("a", number, {})
                progress.trial_finished("a", number, "FAIL", None, 1.0, "x")

        drawer, teller = (threading.Thread(target=work, daemon=True) for work in (draw, tell))
        drawer.start()
        teller.start()
        teller.join(60)
        alive = teller.is_alive()
        stop.set()
        drawer.join(10)
        assert not alive
        assert progress.studies["a"].failed == 50


def test_words() -> None:
    assert [duration(seconds) for seconds in (0.4, 59, 250, 7500)] == [
        "0 s",
        "59 s",
        "4 min 10 s",
        "2 h 05 min",
    ]
    assert trial_name("7") == "trial 7"
    assert trial_name("zero_shot") == "baseline zero_shot"
    assert trial_name("confirm-of-7") == "trial 7 on fresh seeds"
    assert trial_name("confirm-of-coop") == "baseline coop on fresh seeds"
    assert one_line("a\n\tb\x00c\u2028d") == "a b c d"


def test_the_default_clock_moves() -> None:
    progress = Progress([StudyCounts("a", 2)], console=Console(file=io.StringIO()))
    with progress:
        time.sleep(0.01)
        progress.trial_finished("a", "0", "COMPLETE", 1.0, 1.0)
        assert 0 < progress.rate < 100
