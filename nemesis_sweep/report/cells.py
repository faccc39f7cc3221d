"""Numbers and parameters as the cells of tables show them."""

from __future__ import annotations

import math
from typing import Any

from nemesis_sweep.report.statistics import Gain, Score, rounded
from nemesis_sweep.spec.values import Values


def metric_text(score: Score | None) -> str:
    """Return `1.32 ± 0.0412`, three significant digits for numbers of any size, `-` for no score."""
    if score is None:
        return "-"
    return f"{score.mean:.3g}" if score.std is None else f"{score.mean:.3g} ± {score.std:.3g}"


def score_text(score: Score | None) -> str:
    """Return `61.2 ± 1.3`, without the deviation for one replicate, `-` for no score."""
    if score is None:
        return "-"
    return f"{score.mean:.1f}" if score.std is None else f"{score.mean:.1f} ± {score.std:.1f}"


def params_text(params: Values) -> str:
    """Return `omega=3.16 n_ctx=8`, numbers with three significant digits."""
    return " ".join(f"{name}={_value(value)}" for name, value in params.items())


def gain_cells(gain: Gain | None) -> tuple[str, str]:
    """Return `+1.2` and its interval `-0.4 to 2.8`, `-` for what is not known."""
    if gain is None or math.isnan(gain.mean):
        return "-", "-"
    interval = (
        "-"
        if gain.low is None or gain.high is None
        else f"{rounded(gain.low):.1f} to {rounded(gain.high):.1f}"
    )
    return f"{rounded(gain.mean):+.1f}", interval


def gain_cell(gain: Gain | None) -> str:
    """Return both in one: `+1.2 (-0.4 to 2.8)`."""
    mean, interval = gain_cells(gain)
    return mean if interval == "-" else f"{mean} ({interval})"


def _value(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
