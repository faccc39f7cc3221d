"""The live view at any width of the terminal."""

import io

import pytest
from rich.console import Console

from nemesis_sweep.report.progress import Progress
from nemesis_sweep.report.study_counts import StudyCounts

# The second as a home of an earlier version calls it.
STUDIES = "digits-16shot", "clipart-16shot-few_shot-icon-clip"


@pytest.mark.parametrize(
    ("study", "width"), [(STUDIES[0], 60), *((study, width) for study in STUDIES for width in (80, 120))]
)
def test_the_live_view_says_which_trial_is_how_far(study, width):
    console = Console(width=width, height=30, file=io.StringIO())
    progress = Progress([StudyCounts(name, 15) for name in {study, STUDIES[0]}], console=console)
    progress.trial_started(study, "3", {"omega": 3.1622, "corruption": 0.432, "n_ctx": 8})
    progress.epoch(study, "3", 10, 50, {"val/accuracy": 47.5})
    console.print(progress.view())
    text = console.file.getvalue()
    assert f"{study} trial 3   10/50          47.50" in text
    assert "omega=3.16" in text
