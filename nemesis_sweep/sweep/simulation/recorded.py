"""The response that an earlier, real sweep recorded: its trials are a table, and new ones are read off it.

A trial like a recorded one gets exactly what that measured. Any other gets the mean over the NEIGHBOURS
nearest recorded trials of its task, weighted by the inverse square of their distance in the unit cube of the
space; no noise is added. Between recorded epochs curves are straight. The curve of a trial that was pruned
goes on with the mean gain of the complete ones from its last epoch on, so a sweep with few pruned trials
records best.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.spec.baselines import BASELINES, CONFIRM
from nemesis_sweep.spec.compare import diff
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.beside_study import baselines_of
from nemesis_sweep.sweep.home.folder import Home, home_at
from nemesis_sweep.sweep.home.simulated import is_simulated
from nemesis_sweep.sweep.home.task_names import named_in
from nemesis_sweep.sweep.proposal import BASELINE
from nemesis_sweep.sweep.result import Replicates
from nemesis_sweep.sweep.row import Row
from nemesis_sweep.sweep.simulation.response import Curve, report_epochs
from nemesis_sweep.sweep.space.coordinates import dimensions, distance, searched_values
from nemesis_sweep.sweep.storage.choice import has_trials, stored
from nemesis_sweep.sweep.trial_spec import TrialSpec

NEIGHBOURS = 5
SAME = 1e-9
_MEANINGLESS = ("search.", "space.")
"""Parts of a sweep file that may differ from the recorded one's: they decide what is tried."""


@dataclass(frozen=True)
class Record:
    """One recorded trial. epochs, values: its learning curve; replicates: only of complete trials."""

    baseline: str
    values: Values
    epochs: tuple[int, ...]
    curve: tuple[float, ...]
    epoch_seconds: float
    replicates: Replicates


class RecordedResponse:
    """Curves read off the trials of a recorded sweep. Raises ``UserError`` where they say nothing."""

    any_seeds = False

    def __init__(self, sweep: Sweep, home: Path, rows: Sequence[Row]) -> None:
        """rows: the recorded sweep's results, as read from its ``results.parquet``."""
        place = home_at(home)
        if is_simulated(place.path):
            raise _unusable(place, "this home was simulated itself", "the home of a sweep that was trained")
        if not has_trials(place):
            raise _unusable(place, "no sweep was recorded in this folder", "the home of a finished sweep")
        recorded = load_sweep(place.sweep_file)
        sweep = named_in(place, sweep)
        _refuse_what_it_cannot_tell(place, recorded, sweep, rows)
        self.objective = sweep.search.objective[0]
        self.home = place
        self._dimensions = dimensions(recorded.space)
        self._records = _records(place, sweep, rows)
        self._digest = hashlib.sha256(json.dumps([str(row) for row in rows]).encode()).hexdigest()

    @property
    def identity(self) -> Values:
        return {"kind": "recorded", "home": str(self.home.path), "results": self._digest[:16]}

    def curve(self, spec: TrialSpec) -> Curve:
        records = self._records[spec.task.identity]
        weights = self._weights(records, spec)
        epochs = report_epochs(spec)
        curves = np.array([np.interp(epochs, records[i].epochs, records[i].curve) for i in weights])
        shares = np.array(list(weights.values()))
        level = shares @ curves
        pace = float(shares @ [records[i].epoch_seconds for i in weights])
        metrics: list[dict[str, list[float]]] = [{self.objective: [float(value)]} for value in level]
        metrics[-1] = self._final(records, weights, float(level[-1])) or metrics[-1]
        return Curve(epochs, tuple(pace * max(1, epoch) for epoch in epochs), tuple(metrics))

    def _weights(self, records: Sequence[Record], spec: TrialSpec) -> dict[int, float]:
        """Neighbours by their place among the records, with weights that add up to 1."""
        for i, record in enumerate(records):
            if record.baseline and record.baseline == spec.baseline:
                return {i: 1.0}
        values = searched_values(spec, self._dimensions)
        away = {
            i: distance(self._dimensions, record.values, values)
            for i, record in enumerate(records)
            if record.values or not record.baseline
        }
        nearest = sorted(away, key=lambda i: (away[i], i))[:NEIGHBOURS]
        if away[nearest[0]] < SAME:
            return {nearest[0]: 1.0}
        inverse = {i: away[i] ** -2 for i in nearest}
        return {i: weight / sum(inverse.values()) for i, weight in inverse.items()}

    def _final(
        self, records: Sequence[Record], weights: Mapping[int, float], level: float
    ) -> dict[str, list[float]]:
        """All metrics at the end, from neighbours that were complete; the objective's mean is the curve's."""
        complete = {i: weight for i, weight in weights.items() if records[i].replicates}
        if not complete:
            return {}
        names = set.intersection(*(set(records[i].replicates) for i in complete))
        total = sum(complete.values())
        final = {
            name: np.sum([w / total * np.array(records[i].replicates[name]) for i, w in complete.items()], 0)
            for name in sorted(names)
        }
        if self.objective in final and len(weights) > 1:
            final[self.objective] += level - final[self.objective].mean()
        return {name: values.tolist() for name, values in final.items()}


def _records(home: Home, sweep: Sweep, rows: Sequence[Row]) -> dict[str, list[Record]]:
    """The trials of every task of the sweep, by its identity; curves of pruned ones are carried on."""
    curves = _curves(home, sweep)
    found = {}
    for task in sweep.task_list():
        # Confirmations have other seeds.
        known = [row for row in rows if row.study == task.key and row.baseline != CONFIRM]
        own = [row for row in known if row.state in ("COMPLETE", "PRUNED")]
        complete = [curves.get((task.key, row.number), {}) for row in own if row.state == "COMPLETE"]
        found[task.identity] = [
            _record(row, curves[task.key, row.number], [curve for curve in complete if len(curve) > 1])
            for row in own
            if curves.get((task.key, row.number))
        ]
    return found


def _record(row: Row, curve: Mapping[int, float], complete: Sequence[Mapping[int, float]]) -> Record:
    values = row.params
    if row.state == "PRUNED":
        curve = _carried_on(curve, complete)
    epochs = max(1, row.epochs or 0)
    return Record(
        row.baseline,
        values,
        tuple(sorted(curve)),
        tuple(curve[epoch] for epoch in sorted(curve)),
        (row.seconds or 0.0) / epochs,
        row.replicates,
    )


def _carried_on(curve: Mapping[int, float], complete: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """A curve with the mean gain of complete ones after its last epoch."""
    last = max(curve)
    later = sorted({epoch for other in complete for epoch in other if epoch > last})
    gains = {
        epoch: [other[epoch] - other[last] for other in complete if epoch in other and last in other]
        for epoch in later
    }
    return {**curve, **{epoch: curve[last] + sum(g) / len(g) for epoch, g in gains.items() if g}}


def _curves(home: Home, sweep: Sweep) -> dict[tuple[str, str], dict[int, float]]:
    """Intermediate values of every trial, and its final one, by study and number."""
    storage = stored(home)
    names = set(optuna.get_all_study_names(storage))
    found = {}
    for task in sweep.task_list():
        for name in names & {task.key, baselines_of(task.key)}:
            study = optuna.load_study(study_name=name, storage=storage)
            for trial in study.get_trials(deepcopy=False):
                number = str(trial.number) if name == task.key else trial.user_attrs.get(BASELINE, "")
                curve = dict(trial.intermediate_values)
                if not curve and trial.values:
                    curve = {0: trial.values[0]}
                found[task.key, number] = curve
    return found


def _refuse_what_it_cannot_tell(home: Home, recorded: Sweep, sweep: Sweep, rows: Sequence[Row]) -> None:
    """Raise ``UserError`` with every reason why the recorded trials say nothing about this sweep's."""
    problems = [
        Problem(f"the recorded sweep trained something else: {change}", key="--simulate")
        for change in diff(recorded, sweep, comparable_only=True)
        if not change.startswith(_MEANINGLESS) or change.startswith("search.objective")
    ]
    unknown = sorted(set(dimensions(sweep.space)) - set(dimensions(recorded.space)))
    problems += [
        Problem("the recorded sweep did not search it", key=f"space.{name}", allowed="what it searched")
        for name in unknown
    ]
    complete = {(row.study, row.baseline) for row in rows if row.state == "COMPLETE"}
    for task in sweep.task_list():
        if not complete & {(task.key, ""), (task.key, "paper")}:
            message = "the recorded sweep has no complete trial of this task"
            problems.append(Problem(message, key="tasks", found=task.key))
        problems += [
            Problem(f"the recorded sweep has no such baseline of {task.key}", "search.baselines", found=name)
            for name in sweep.search.baselines
            if not BASELINES[name].last and (task.key, name) not in complete
        ]
    if problems:
        nothing = Problem("this home cannot answer for the sweep", key="--simulate", found=str(home.path))
        raise UserError([nothing, *problems])


def _unusable(home: Home, message: str, allowed: str) -> UserError:
    return UserError(Problem(message, key="--simulate", found=str(home.path), allowed=allowed))
