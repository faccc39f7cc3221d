"""A trial in MLflow in words: the name of its run, and its description in Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import stdev
from typing import Any

from nemesis_sweep.spec.baselines import BASELINES
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.beside import baseline_of, original_of
from nemesis_sweep.sweep.result import Means, Replicates

MOST = 4
"""Parameters in a name: MLflow cuts what is longer than its column."""
ENDINGS = {"PRUNED": "pruned", "FAIL": "failed"}
SHOWN = ("val/accuracy", "test/accuracy", "val/loss", "norm/mean")
"""Metrics of a description beside the objectives."""


def shown(value: Any) -> str:
    """A parameter's value, numbers with three significant digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def what_it_trains(number: str, baseline: str, params: Values) -> str:
    """What tells a trial from others: `omega 3.16 · n_ctx 8`, or `plain CoOp`."""
    if params:
        return " · ".join(f"{name} {shown(value)}" for name, value in list(params.items())[:MOST])
    row = BASELINES.get(baseline)
    label = row.label if row else baseline
    original = original_of(number)
    return f"{label}, of trial {original}" if baseline_of(number) != number else label or f"trial {number}"


def running_name(study: str, number: str, baseline: str, params: Values) -> str:
    """The name of a run that has not ended."""
    return " · ".join((what_it_trains(number, baseline, params), _whose(study, number)))


@dataclass(frozen=True)
class TrialWords:
    """A trial that is over. objectives: the first is in its name. measured: means; replicates: of which.

    state: of Optuna. reason: why it did not complete, or what it breaks.
    """

    study: str
    number: str
    baseline: str
    params: Values
    objectives: Sequence[str]
    measured: Means = field(default_factory=dict)
    replicates: Replicates = field(default_factory=dict)
    state: str = "COMPLETE"
    reason: str = ""

    @property
    def name(self) -> str:
        """The name of its run: `val 71.2 · omega 3.16 · n_ctx 8 · digits-4shot #6`, what is cut last."""
        objective = self.objectives[0]
        value = self.measured.get(objective, math.nan)
        score = f"{objective.removesuffix('/accuracy')} {number_text(objective, value)}"
        parts = [score] if math.isfinite(value) else []
        if self.state in ENDINGS:
            parts.insert(0, ENDINGS[self.state])
        trains = what_it_trains(self.number, self.baseline, self.params)
        return " · ".join((*parts, trains, _whose(self.study, self.number)))

    @property
    def note(self) -> str:
        """Its description, in Markdown."""
        row = BASELINES.get(self.baseline)
        what = f"**{row.label}**: {row.about}." if row else "A trial of the search."
        blocks = [f"Trial **{self.number}** of `{self.study}`. {what} {self._ending}".strip()]
        if self.params:
            blocks.append(table(("parameter", "value"), [(k, shown(v)) for k, v in self.params.items()]))
        names = [name for name in dict.fromkeys((*self.objectives, *SHOWN)) if name in self.measured]
        if names:
            rows = [(name, number_text(name, self.measured[name]), self._spread(name)) for name in names]
            blocks.append(table(("metric", "mean", "over replicates"), rows))
            blocks.append(f"Chosen by `{self.objectives[0]}`; the test set was never used to choose.")
        return "\n\n".join(blocks) + "\n"

    @property
    def _ending(self) -> str:
        if self.state == "COMPLETE":
            return f"It {self.reason}, so it cannot win." if self.reason else ""
        return f"{self.state}: {self.reason}."

    def _spread(self, name: str) -> str:
        values = [value for value in self.replicates.get(name, ()) if math.isfinite(value)]
        if len(values) < 2:
            return "-"
        return f"± {number_text(name, stdev(values))} ({len(values)})"


def _whose(study: str, number: str) -> str:
    return f"{study} #{number}" if number.isdigit() else study


def number_text(name: str, value: float) -> str:
    """The value of a metric: of an accuracy one decimal, else three significant digits."""
    return f"{value:.1f}" if name.endswith("accuracy") else f"{value:.3g}"


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(_cell(each) for each in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
