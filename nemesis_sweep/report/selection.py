"""How often PAN penalised what it drew: the share of positions whose corruption helped, in percent."""

from __future__ import annotations

from collections.abc import Iterable

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.report.statistics import rounded
from nemesis_sweep.spec.choices import SELECTIONS
from nemesis_sweep.sweep.row import Row

RARE = 5.0
"""Percent of the drawn positions below which PAN alone trains nearly what plain CoOp does."""


def selected_percent(row: Row) -> float | None:
    """The mean over the replicates, of all positions that were drawn in all steps.

    None where nothing was selected by accuracy: without a penalty, with PUN alone, with the random control.
    """
    shares, searched = row.selected_share, row.method
    tested = SELECTIONS[searched.get("selection") or "accuracy"].corrupts
    if not shares or not tested or not float(searched.get("omega") or 0):
        return None
    drawn = min(int(searched.get("n_positions") or 1), len(shares[0]))
    return 100 * sum(sum(positions) / drawn for positions in shares) / len(shares)


def selected_text(percent: float) -> str:
    """`4.1 %`; what is more than nothing is never shown as nothing."""
    return "< 0.1 %" if percent > 0 and not rounded(percent) else f"{rounded(percent):.1f} %"


def range_text(percents: Iterable[float]) -> str:
    """`PAN selected 0.7 to 12.3 % of the positions that it drew (9 trials)`, '' where it drew none."""
    found = sorted(percents)
    if not found:
        return ""
    low, high = selected_text(found[0]), selected_text(found[-1])
    told = low if low == high else f"{low.removesuffix(' %')} to {high}"
    return f"PAN selected {told} of the positions that it drew ({counted(len(found), 'trial')})"
