"""McNemar's exact test: whether two classifiers differ on the same images."""

from __future__ import annotations


def mcnemar(won: int, lost: int) -> float:
    """Two-sided exact p of McNemar (1947): ``won`` images only the first has right, ``lost`` only the second.

    Under the hypothesis that neither is better, ``won`` is Binomial(won + lost, 1/2). 1 where both are 0.
    """
    from scipy.stats import binomtest

    return float(binomtest(won, won + lost).pvalue) if won + lost else 1.0
