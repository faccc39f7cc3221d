"""`nemesis-sweep run`: from a sweep to its results, from wherever an earlier run of it stopped."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from pathlib import Path

import optuna

from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.files.atomic import write_atomically
from nemesis_sweep.files.sealed import write_sealed
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.dump import sweep_to_yaml
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.sweep.ahead import Ahead
from nemesis_sweep.sweep.broker import TrialBroker
from nemesis_sweep.sweep.cluster.encoding import looking_by_encoding
from nemesis_sweep.sweep.cluster.lost import LostClusterError
from nemesis_sweep.sweep.cluster.ray_session import RaySession
from nemesis_sweep.sweep.early_end import Keep, kept_at_an_early_end, rows_of
from nemesis_sweep.sweep.home.compatibility import refuse_another_sweep
from nemesis_sweep.sweep.home.episodes import record_episodes
from nemesis_sweep.sweep.home.folder import Home, environment, quiet
from nemesis_sweep.sweep.home.full_disk_error import FullDiskError, no_room
from nemesis_sweep.sweep.home.leftovers import remove_leftovers
from nemesis_sweep.sweep.home.modules import keep_modules
from nemesis_sweep.sweep.home.shared import refuse_gone
from nemesis_sweep.sweep.home.simulated import refuse_simulated
from nemesis_sweep.sweep.home.task_names import named_in, record_names
from nemesis_sweep.sweep.joint import JointStudy
from nemesis_sweep.sweep.outcome import Outcome, collect
from nemesis_sweep.sweep.quiet_optuna import quiet_optuna
from nemesis_sweep.sweep.records import open_mended
from nemesis_sweep.sweep.relogging import log_again_if_lost
from nemesis_sweep.sweep.retry import retry_failed
from nemesis_sweep.sweep.storage.choice import open_storage
from nemesis_sweep.sweep.study import Study, TaskStudy
from nemesis_sweep.sweep.sweep_words import PICTURES, experiment_note, sweep_note
from nemesis_sweep.sweep.tuning import train
from nemesis_sweep.sweep.views import views_of
from nemesis_sweep.sweep.watcher import Progress
from nemesis_sweep.sweep.weights import backbones_to_load, bring_weights
from nemesis_sweep.tracking.location import is_server
from nemesis_sweep.tracking.sender import PATIENCE, Sender
from nemesis_sweep.tracking.store import prepare
from nemesis_sweep.tracking.sweep_run import (
    begin_sweep,
    close_stale,
    describe_sweep,
    finish_sweep,
    log_files,
    log_records,
    offer_views,
)

ProgressFactory = Callable[[Sequence[Study]], AbstractContextManager[Progress]]
Conclude = Callable[[Outcome], Path | None]
"""Gets what a run left; the page of the report that it wrote, if it did."""
REPORT = "report"
"""Folder of the artifacts of the sweep's run."""


def run_sweep(
    sweep: Sweep,
    home: Home,
    show: ProgressFactory,
    *,
    extend: bool = False,
    retry: bool = False,
    logical_gpus: int | None = None,
    say: SayLine = quiet,
    keep: Keep | None = None,
    conclude: Conclude = lambda outcome: None,
) -> Outcome:
    """Run what is left of the sweep and collect all of it.

    extend: whether the home may hold a smaller version of this sweep. retry: whether failed trials are
    trained again. say: gets lines about images that are skipped and classes with too few. keep: gets the rows
    of the trials that are over when the sweep ends by an error or an interrupt. conclude: gets the outcome
    while MLflow can still be told of what it leaves: the page of a report.

    Raises ``UserError`` for a home that cannot be used or resources that are not there,
    ``KeyboardInterrupt`` on Ctrl-C or SIGTERM, and ``LostClusterError`` when Ray is gone; what was reported
    is kept.
    """
    home.create()
    with home.driver_lock(), RaySession(logical_gpus) as session:
        refuse_simulated(home)
        remove_leftovers(home)
        sweep = named_in(home, sweep)
        refuse_another_sweep(sweep, home, extend, say)
        modules = keep_modules(sweep, home)
        if not home.sweep_file.exists():
            bring_weights(sweep.tasks.backbone, session, say)
        # First, for data that is not there must not make this the home of a sweep that cannot run.
        episodes = record_episodes(sweep, home, say, looking_by_encoding(sweep, home, session, say))
        storage = _open(sweep, home, retry, say)
        record_names(sweep, home)
        write_atomically(home.sweep_file, sweep_to_yaml(sweep))
        write_sealed(home.path / "environment.json", environment())
        studies = open_studies(sweep, home, storage)
        log_again_if_lost(sweep, home, say)
        rows = partial(rows_of, studies, home.path, over=True)
        with kept_at_an_early_end(rows, keep), _sender(sweep, home, say) as sender:
            try:
                begin_sweep(home.path)
                offer_views(home.path, views_of(sweep), experiment_note(sweep))
                log_files(home.path, [home.sweep_file, home.path / "environment.json"])
                log_files(home.path, episodes, "episodes")
                _log_modules(home, modules)
                close_stale(home.path, ended_trials(studies))
                with show(studies) as progress:
                    sender.say = progress.say
                    broker = TrialBroker(sweep, home, studies, progress, sender.follow)
                    if broker.has_more:
                        bring_weights(backbones_to_load(broker), session, progress.say)
                        # On a cluster of others this machine may lack what its workers have.
                        with Ahead(broker) if session.own else nullcontext():
                            train(broker, session, sender)
                if broker.full:
                    raise FullDiskError(broker.full)
                if broker.stopping:
                    raise KeyboardInterrupt
                sender.ready()
            except KeyboardInterrupt:
                close_stale(home.path, ended_trials(studies), "interrupted; the next run continues it")
                finish_sweep(home.path, "KILLED", reason="interrupted; run the same command to continue")
                raise
            except (FullDiskError, LostClusterError) as error:
                _give_up(home, error)
                raise
            except UserError as error:
                with suppress(FileNotFoundError):  # The home itself may be gone.
                    finish_sweep(home.path, "FAILED", reason=str(error))
                raise
            except Exception as error:
                told = _lost_disk_or_storage(sweep, home, error)
                if told is None:
                    raise
                _give_up(home, told)
                raise told from error
            # A worker may die, or be taken over, between its last word in its outbox and its result.
            close_stale(home.path, ended_trials(studies))
            outcome = collect(broker, home)
            _log_what_is_left(sweep, home, outcome, conclude(outcome), sender)
            return outcome


def _log_what_is_left(sweep: Sweep, home: Home, outcome: Outcome, page: Path | None, sender: Sender) -> None:
    """Describe the sweep's run, put a report's page and pictures beside it, if one is in the home, and the
    records of the best trials beside theirs."""
    for folder in log_records(home.path):
        sender.follow(folder)
    pictures: list[Path] = []
    if page is not None and page.is_relative_to(home.path):
        pictures = sorted(page.parent.glob("figures/*.png"))
        log_files(home.path, [page], REPORT)
        log_files(home.path, pictures, f"{REPORT}/figures")
    shown = [f"{REPORT}/figures/{each.name}" for each in pictures if each.stem in PICTURES]
    describe_sweep(home.path, sweep_note(sweep, outcome.rows, shown))


def _log_modules(home: Home, modules: Sequence[Path]) -> None:
    """Put the sweep's modules beside its run, each folder of a package below."""
    for folder in sorted({file.parent for file in modules}):
        inside = [file for file in modules if file.parent == folder]
        log_files(home.path, inside, folder.relative_to(home.path).as_posix())


def _open(sweep: Sweep, home: Home, retry: bool, say: SayLine) -> optuna.storages.BaseStorage:
    """The storage with all records in order, and with failed trials open again where that is wanted."""
    storage = open_mended(sweep, home, say)
    return retry_failed(sweep, home, storage, say) if retry else storage


def open_studies(sweep: Sweep, home: Home, storage: optuna.storages.BaseStorage | None = None) -> list[Study]:
    """The study of each task, or the joint one, from ``storage``, by default the sweep's own."""
    quiet_optuna()
    storage = open_storage(sweep, home) if storage is None else storage
    if sweep.search.study == "joint":
        return [JointStudy(sweep, storage)]
    return [TaskStudy(sweep, task, storage) for task in sweep.task_list()]


def ended_trials(studies: Sequence[Study]) -> dict[str, str]:
    """State of every trial that is over, by ``STUDY/NUMBER``."""
    return {
        f"{study.key}/{number}": trial.state.name
        for study in studies
        for number, trial in study.trials()
        if trial.state.is_finished()
    }


def _sender(sweep: Sweep, home: Home, say: SayLine) -> Sender:
    """What sends the records to MLflow, begun. A server that the sweep names has answered by then; to make
    the database in the home takes seconds, which pass while Ray starts."""
    uri = sweep.tracking.mlflow
    ready = partial(prepare, home.path, sweep.name, sweep.experiment, uri, say=say)
    sender = Sender(home.path, ready, say, uri)
    sender.start()
    if uri is not None:
        # To make the tables of a new database may take longer.
        sender.ready(PATIENCE if is_server(uri) else None)
    return sender


def _give_up(home: Home, error: UserError | LostClusterError) -> None:
    """Close in MLflow what is open there, as far as there is room to say so: the next run closes the rest."""
    told = error.told if isinstance(error, LostClusterError) else error
    if told is None:  # Ray is started again.
        return
    with suppress(Exception):
        close_stale(home.path, reason="the sweep had to stop; the next run continues it")
        finish_sweep(home.path, "FAILED", reason=str(told))


def _lost_disk_or_storage(sweep: Sweep, home: Home, error: Exception) -> UserError | None:
    """What to tell when the sweep ended because its home is gone, its disk full, or its database silent."""
    try:
        refuse_gone(home)
    except UserError as gone:
        return gone
    full = no_room(error, home.path)
    if full is not None:
        return FullDiskError(full)
    if sweep.search.storage is None:
        return None
    from nemesis_sweep.sweep.storage.database import lost

    return lost(error, sweep.search.storage)
