"""The table of settings that were trained again on fresh seeds, as cells of text."""

from __future__ import annotations

from collections.abc import Sequence

from nemesis_sweep.report.cells import gain_cells, score_text
from nemesis_sweep.report.confirmed import Confirmed
from nemesis_sweep.report.statistics import rounded
from nemesis_sweep.spec.confirm import seeds_text


def confirmed_table(settings: Sequence[Confirmed], *, narrow: bool = False) -> list[tuple[str, ...]]:
    """The header and a line for every setting; nothing without any. narrow: without the selected scores."""
    if not settings:
        return []
    header = ["on fresh seeds"]
    for split in ("val", "test"):
        header += [split, "change"] if narrow else [f"{split} selected", "confirmed", "change"]
    return [(*header, "gain", "95 % CI"), *(_cells(each, narrow) for each in settings)]


def about(settings: Sequence[Confirmed]) -> str:
    """What the numbers are, in a sentence; '' without settings."""
    if not settings:
        return ""
    seeds = seeds_text(max((each.seeds for each in settings), key=len))
    return (
        f"Trained again on {seeds}, which selected nothing; change: confirmed less selected, which the "
        "choice flatters; gain: on test over plain CoOp on the same fresh seeds, paired by seed"
    )


def _cells(setting: Confirmed, narrow: bool) -> tuple[str, ...]:
    before, now = setting.selected, setting.confirmed
    cells = [now.label]
    for metric, change in (
        ("val/accuracy", setting.val_difference),
        ("test/accuracy", setting.test_difference),
    ):
        if not narrow:
            cells.append(score_text(None if before is None else before.metric(metric)))
        cells += [score_text(now.metric(metric)), "-" if change is None else f"{rounded(change):+.1f}"]
    return (*cells, *gain_cells(setting.gain))
