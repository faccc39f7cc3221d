"""Short names keep studies apart and are only taken where there is no room."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from nemesis_sweep.report.names import NARROW, short_names
from nemesis_sweep.report.progress import Progress
from nemesis_sweep.report.tally import StudyTally

DIGITS, CLIPART = "digits-16shot-few_shot-icon-clip", "clipart-16shot-few_shot-icon-clip"
part = st.text("ab-", min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("studies", "shown"),
    [
        ([DIGITS, CLIPART], ["digits", "clipart"]),
        ([DIGITS, "digits-4shot-few_shot-icon-clip"], ["digits-16shot", "digits-4shot"]),
        ([DIGITS, "digits-16shot-few_shot-RN50"], [DIGITS, "digits-16shot-few_shot-RN50"]),
        (["a-b", "b"], ["a-b", "b"]),
        ([DIGITS], [DIGITS]),
        ([], []),
    ],
)
def test_the_ending_that_all_share_is_left_out(studies, shown):
    assert list(short_names(studies, 80).values()) == shown
    assert list(short_names(studies, NARROW).values()) == studies


@given(st.lists(part, min_size=1, max_size=5, unique=True))
def test_names_stay_apart_and_the_beginning_of_what_they_stand_for(studies):
    shown = short_names(studies, 60)
    assert list(shown) == studies and len(set(shown.values())) == len(studies)
    assert all(study.startswith(name) for study, name in shown.items())


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_live_view_says_which_trial_is_how_far_at_any_width(width):
    console = Console(width=width, height=30, file=io.StringIO())
    progress = Progress([StudyTally(DIGITS, 15), StudyTally(CLIPART, 15)], console=console)
    progress.trial_started(DIGITS, "3", {"omega": 3.1622, "corruption": 0.432, "n_ctx": 8})
    progress.epoch(DIGITS, "3", 10, 50, {"val/accuracy": 47.5})
    console.print(progress.view())
    text = console.file.getvalue()
    assert "trial 3   10/50          47.50   omega=3.16" in text
