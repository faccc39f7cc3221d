"""McNemar's exact test: whether two classifiers differ on the same images."""

from __future__ import annotations

import numpy as np


def mcnemar(won: int, lost: int) -> float:
    """Two-sided exact p of McNemar (1947): ``won`` images only the first has right, ``lost`` only the second.

    Under the hypothesis that neither is better, ``won`` is Binomial(won + lost, 1/2). 1 where both are 0.
    """
    return float(mcnemar_each(np.array(won), np.array(lost)))


def mcnemar_each(won: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """The same of several pairs of counts, each tested by itself."""
    from scipy.special import bdtr

    tail: np.ndarray = bdtr(np.minimum(won, lost), won + lost, 0.5)  # The other tail is as large.
    return np.minimum(1.0, 2 * tail)
