"""`nemesis-sweep run --simulate`: a sweep in simulated time, to compare samplers before spending GPUs.

Everything that decides is what a real run uses: the broker, the studies, their samplers and pruners, Optuna's
journal, and Tune's controller (see :mod:`nemesis_sweep.sweep.simulation.tune`). In the place of training
stands a response, recorded or synthetic, and time is that of a discrete-event clock. Left out: MLflow,
prompts, checkpoints and failures; and the journal is not brought to the disk at every entry. A trial that was
running when a simulation was interrupted begins anew in simulated time, under its own number.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial

from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.files.atomic import write_atomically
from nemesis_sweep.files.sealed import write_sealed
from nemesis_sweep.spec.baselines import BASELINES
from nemesis_sweep.spec.dump import resolved, sweep_to_yaml
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.broker import TrialBroker
from nemesis_sweep.sweep.early_end import Keep, kept_at_an_early_end
from nemesis_sweep.sweep.handed_out import spec_of
from nemesis_sweep.sweep.home.compatibility import refuse_another_sweep
from nemesis_sweep.sweep.home.folder import Home, environment
from nemesis_sweep.sweep.home.modules import keep_modules
from nemesis_sweep.sweep.home.shared import refuse_gone
from nemesis_sweep.sweep.home.simulated import claim
from nemesis_sweep.sweep.home.task_names import named_in, record_names
from nemesis_sweep.sweep.interrupt import stoppable
from nemesis_sweep.sweep.proposal import SIMULATED_END
from nemesis_sweep.sweep.result import Report
from nemesis_sweep.sweep.row import Row
from nemesis_sweep.sweep.rows import shared, trial_rows
from nemesis_sweep.sweep.runner import open_studies
from nemesis_sweep.sweep.simulation.actors import Clock
from nemesis_sweep.sweep.simulation.response import Response, SimulatedTrial, curve_of, with_curve
from nemesis_sweep.sweep.storage.journal import Journal, mend_journal
from nemesis_sweep.sweep.study import Study
from nemesis_sweep.sweep.trial_spec import JointTrialSpec, read_trial_spec, shared_config
from nemesis_sweep.sweep.watcher import Progress

Show = Callable[[Sequence[Study], Clock], AbstractContextManager[Progress]]


@dataclass(frozen=True)
class Simulated:
    """What a simulation left: rows as of a real sweep with ``ended`` (simulated seconds) beside, and its end.

    seconds: simulated time until the last trial ended. empty_studies: those without a complete trial.
    """

    rows: list[Row]
    seconds: float
    empty_studies: list[str]


class SimulatedBroker(TrialBroker):
    """A broker that notes when a trial ends in simulated time, and records nothing in MLflow."""

    def __init__(
        self, sweep: Sweep, home: Home, studies: Sequence[Study], progress: Progress, clock: Clock
    ) -> None:
        super().__init__(sweep, home, studies, progress)
        self._simulated = clock

    def complete(self, tune_id: str, last: Report | None, failed: bool = False) -> None:
        if tune_id not in self._put_off:
            study, proposal, _ = self._out[tune_id]
            study.note(proposal.number, SIMULATED_END, self._clock())
        super().complete(tune_id, last, failed)

    def _clock(self) -> float:
        return self._simulated.now

    def rows(self, study: Study, number: str, trial: FrozenTrial, response: Response) -> list[Row]:
        """One trial for the results table; what a complete one measured is asked of the response again.

        A complete joint trial has a row for each task, and then the one with the means.
        """
        (known,) = trial_rows(study, number, trial, self.home.path)
        known = replace(known, ended=_ended(trial))
        if trial.state != TrialState.COMPLETE:
            return [known]
        spec = spec_of(self.home, study, study.proposal(number, trial))
        told = replace(with_curve(known, curve_of(response, spec)), config=shared_config(spec))
        if not isinstance(spec, JointTrialSpec):
            return [told]
        curves = [response.curve(part) for part in spec.parts]
        parts = [
            replace(
                with_curve(known, curve),
                task=part.task.key,
                seconds=curve.seconds[-1],
                config=part.method.model_dump(),
                **shared([part.task]),
            )
            for part, curve in zip(spec.parts, curves, strict=True)
        ]
        return [*parts, replace(told, epochs=sum(curve.epochs[-1] for curve in curves))]


def run_simulation(
    sweep: Sweep,
    home: Home,
    show: Show,
    response: Response,
    workers: int,
    *,
    extend: bool = False,
    synced: bool = False,
    keep: Keep | None = None,
) -> Simulated:
    """Simulate what is left of the sweep with ``workers`` workers, and collect all of it.

    The same file, response and number of workers give the same trials. extend: whether the home may hold a
    smaller version of this sweep. synced: bring every entry of the journal to the disk, as a real run does.
    keep: gets the rows of the trials that are over when the simulation is interrupted.
    Raises ``UserError`` for a home that cannot be used, and ``KeyboardInterrupt`` on Ctrl-C or SIGTERM.
    """
    sweep = _answered(sweep, response)
    home.create()
    with home.driver_lock():
        search = {key: value for key, value in resolved(sweep)["search"].items() if key != "confirm" or value}
        claim(home, {"response": response.identity, "workers": workers, "search": search})
        sweep = named_in(home, sweep)
        refuse_another_sweep(sweep, home, extend)
        keep_modules(sweep, home)
        record_names(sweep, home)
        write_atomically(home.sweep_file, sweep_to_yaml(sweep))
        write_sealed(home.path / "environment.json", environment())
        mend_journal(home.journal)
        # Whatever storage the sweep file names: a database is for what was trained.
        studies = open_studies(sweep, home, Journal(home.journal, synced))
        clock = Clock(max((_ended(trial) for study in studies for _, trial in study.trials()), default=0.0))
        with show(studies, clock) as progress:
            broker = SimulatedBroker(sweep, home, studies, progress, clock)
            with kept_at_an_early_end(partial(_rows, broker, response), keep):
                if broker.has_more:
                    _simulate(broker, workers, response, clock)
        rows = _rows(broker, response)
    full = {row.study for row in rows if row.state == TrialState.COMPLETE.name}
    return Simulated(rows, clock.now, [study.key for study in studies if study.key not in full])


def _rows(broker: SimulatedBroker, response: Response) -> list[Row]:
    """The rows of all trials that are over."""
    trials = [(study, *pair) for study in broker.studies for pair in study.trials()]
    return [row for trial in trials if trial[2].state.is_finished() for row in broker.rows(*trial, response)]


def _answered(sweep: Sweep, response: Response) -> Sweep:
    """The sweep without what the response has no answer to.

    Controls say what a penalty does, and here nothing is trained; what was recorded was so on its own seeds.
    """
    kept = [name for name in sweep.search.baselines if not BASELINES[name].last]
    confirm = sweep.search.confirm if response.any_seeds else None
    changed = sweep.search.model_copy(update={"baselines": kept, "confirm": confirm})
    return sweep.model_copy(update={"search": changed})


def _simulate(broker: SimulatedBroker, workers: int, response: Response, clock: Clock) -> None:
    # Imported late: Tune takes seconds.
    from nemesis_sweep.sweep.simulation.tune import simulate

    def make_trial(config: Values) -> SimulatedTrial:
        return SimulatedTrial(curve_of(response, read_trial_spec(config)))

    try:
        with stoppable(broker.stop):
            simulate(broker, workers, make_trial, clock)
    except Exception:
        refuse_gone(broker.home)  # Tune wraps whatever it meets, and shows all of it.
        raise
    if broker.stopping:
        raise KeyboardInterrupt


def _ended(trial: FrozenTrial) -> float:
    return float(trial.user_attrs.get(SIMULATED_END, 0.0))
