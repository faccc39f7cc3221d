"""Nemenyi's critical difference: how far average ranks lie apart before they differ by more than chance."""

from __future__ import annotations

import math

from nemesis_sweep.report.statistics.pairwise import ALPHA


def critical_difference(methods: int, tasks: int, alpha: float = ALPHA) -> float | None:
    """Return q * sqrt(K (K + 1) / (6 N)) of K methods on N tasks; None for fewer than 2 methods or no task.

    q: the quantile of the studentised range of K groups and infinitely many degrees of freedom, divided by
    sqrt(2). Demšar (JMLR 2006), section 3.2.2 and table 5.
    """
    if methods < 2 or tasks < 1:
        return None
    from scipy import stats

    quantile = float(stats.studentized_range.ppf(1 - alpha, methods, math.inf)) / math.sqrt(2)
    return quantile * math.sqrt(methods * (methods + 1) / (6 * tasks))
