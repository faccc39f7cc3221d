"""One row of a leaderboard: what a trial scored, and how far it is from plain CoOp."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nemesis_sweep.report.selection import selected_percent
from nemesis_sweep.report.statistics import Gain, Score, paired_gain, score
from nemesis_sweep.spec.baselines import BASELINES, COOP, trains_prompt
from nemesis_sweep.spec.kinds import is_row
from nemesis_sweep.spec.metrics import MEASURED
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.row import Row


@dataclass(frozen=True)
class Entry:
    """One row of a task's table; accuracies in percent, None where a trial has no such metric.

    more: other metrics that are objectives or in a broken constraint. broken: the constraints it breaks.
    selected: percent of the positions that PAN drew and then penalised, None where it had no choice.
    """

    label: str
    number: str
    baseline: str
    val: Score | None
    test: Score | None
    gain: Gain | None
    params: Values = field(default_factory=dict)
    config: Values = field(default_factory=dict)
    more: Mapping[str, Score] = field(default_factory=dict)
    broken: tuple[str, ...] = ()
    selected: float | None = None

    @property
    def is_nemesis(self) -> bool:
        """Whether this was trained with a norm penalty (omega above 0); true where omega is not known."""
        trained = trains_prompt(self.baseline) and self.baseline != COOP
        return trained and has_penalty(self.params, self.config)

    @property
    def row(self) -> str:
        """The row without a prompt that a trial was, by its label; '' where it trained one."""
        kind = self.params.get("prompt", self.config.get("prompt"))
        return BASELINES[kind].label if not self.baseline and is_row(kind) else ""

    def metric(self, name: str) -> Score | None:
        """A metric by its name, None where it was not measured."""
        return {"val/accuracy": self.val, "test/accuracy": self.test}.get(name, self.more.get(name))


def has_penalty(params: Values, config: Values) -> bool:
    """Whether omega is above 0 in what was trained; true where it is not known; a row without a prompt has
    none."""
    if is_row(params.get("prompt", config.get("prompt"))):
        return False
    omega = params.get("omega", config.get("omega"))
    return omega is None or float(omega) > 0


def entry_of(label: str, row: Row, coop: Row | None) -> Entry:
    """The row of a trial. coop: plain CoOp's, which it is compared with."""
    return Entry(
        label=label,
        number=row.number,
        baseline=row.baseline,
        val=_score(row, "val/accuracy"),
        test=_score(row, "test/accuracy"),
        gain=_gain(row, coop) if coop is not None and row is not coop else None,
        params=row.params,
        config=row.config or {},
        more={name: score(values) for name in _known(row) if (values := measured_values(row, name))},
        broken=tuple(row.broken or ()),
        selected=selected_percent(row),
    )


def is_test_set(metric: str) -> bool:
    """Whether a metric is the accuracy on a test set that a protocol adds: `test/new`, `test/NAME`."""
    return metric.startswith("test/") and metric not in MEASURED


def _known(row: Row) -> list[str]:
    """The names of a row's metrics that a table may show, those of test sets in the order of the protocol."""
    places = ("test/source", "test/base", "test/new", "test/H")
    tested = filter(is_test_set, row.metrics)
    return [
        *MEASURED,
        *sorted(tested, key=lambda name: places.index(name) if name in places else len(places)),
    ]


def measured_values(row: Row, metric: str) -> list[float]:
    """Return the metric per replicate; the mean alone where replicates were not kept."""
    values = row.replicates.get(metric)
    if values:
        return [float(value) for value in values]
    mean = row.measured(metric)
    return [] if mean is None else [mean]


def _score(row: Row, metric: str) -> Score | None:
    values = measured_values(row, metric)
    return score(values) if values else None


def _gain(ours: Row, coop: Row) -> Gain | None:
    pairs = paired(ours, coop)
    if pairs:
        return paired_gain([pair[0] for pair in pairs.values()], [pair[1] for pair in pairs.values()])
    left, right = _score(ours, "test/accuracy"), _score(coop, "test/accuracy")
    # Nothing to pair: the difference of the means stands alone, without an interval.
    return Gain(left.mean - right.mean, None, None, 1) if left and right else None


def paired(ours: Row, theirs: Row) -> dict[int, tuple[float, float]]:
    """Return seed -> test accuracy of both. What no seed changes (zero-shot) stands against every seed."""
    left, right = measured_values(ours, "test/accuracy"), measured_values(theirs, "test/accuracy")
    seeds = list(theirs.seeds or range(len(right)))
    if not _learns(ours) and len(left) == 1:
        left = left * len(right)
        own_seeds = seeds
    else:
        own_seeds = list(ours.seeds or range(len(left)))
    if len(own_seeds) != len(left) or len(seeds) != len(right):
        return {}
    coop = dict(zip(seeds, right, strict=True))
    return {seed: (value, coop[seed]) for seed, value in zip(own_seeds, left, strict=True) if seed in coop}


def _learns(row: Row) -> bool:
    baseline = BASELINES.get(row.baseline)
    return baseline is None or baseline.learns
