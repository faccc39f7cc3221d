"""Where the sweep comes together: which trial is next, what became of it, and who has to be told."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

from nemesis_sweep.spec.baselines import PROMPTLESS
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.sweep.alone import alone
from nemesis_sweep.sweep.cause import Cause, Causes
from nemesis_sweep.sweep.closing import Closing
from nemesis_sweep.sweep.cluster.shares import RESOURCES, doubled, with_seeds
from nemesis_sweep.sweep.handed_out import spec_of
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.home.full_disk_error import no_room
from nemesis_sweep.sweep.home.shared import refuse_gone
from nemesis_sweep.sweep.proposal import Proposal
from nemesis_sweep.sweep.result import Report
from nemesis_sweep.sweep.spent import Spent
from nemesis_sweep.sweep.study import Study
from nemesis_sweep.sweep.trial_end import trial_end
from nemesis_sweep.sweep.trial_spec import Config
from nemesis_sweep.sweep.watcher import Progress
from nemesis_sweep.sweep.worker_errors import WorkerErrors

SHARE = "gpus"
"""User attribute of a trial that ran out of GPU memory: the share of a GPU that it goes on with."""


class TrialBroker:
    """Hands out trials of all studies in turn and takes their reports, for Tune's searcher and scheduler.

    Another thread may hand results in, too.
    """

    def __init__(
        self,
        sweep: Sweep,
        home: Home,
        studies: Sequence[Study],
        progress: Progress,
        follow: Callable[[Path], None] = lambda folder: None,
    ) -> None:
        """follow: told the folder of every trial that is handed out, whose outbox MLflow is to be sent."""
        self.lock = threading.RLock()
        self.sweep = sweep
        self.home = home
        self.studies = list(studies)
        self.progress = progress
        self._follow = follow
        self.stopping = False
        self.full = ""
        """The file that found no room on its disk, and why; '' as long as none did."""
        self.resources: dict[str, float] = {"cpu": sweep.resources.cpus}
        """What a trial takes of the cluster, in Ray's words, unless it was found to need more of a GPU."""
        self._turn = 0
        self._spent = Spent(sweep.budget, studies)
        self._closing = Closing(sweep.search, home, progress, follow)
        self._out: dict[str, tuple[Study, Proposal, float]] = {}
        self._pruned: set[str] = set()
        self._put_off: set[str] = set()
        self._errors = WorkerErrors()
        self._again: deque[tuple[Study, Proposal]] = deque()
        self._waiting: str | None = None
        self.workers_are_up = False
        """Whether a trial that Tune was given has told anything."""
        self._ahead: set[str] = set()
        self.causes = Causes()
        """What keeps all trials of some studies from beginning."""

    @alone
    def next_reference(self, tune_id: str) -> Config | None:
        """The configuration of a row that trains nothing, for who can do it before Tune asks for trials."""
        for baseline, study in product(() if self.stopping else PROMPTLESS, self.studies):
            if (proposal := study.next_reference(baseline)) is not None:
                self._ahead.add(tune_id)
                return self._hand_out(tune_id, study, proposal)
        return None

    @alone
    def put_back(self, tune_id: str) -> None:
        """Take a trial back that was handed out and not worked on; it is the next of its study."""
        study, proposal, _ = self._out.pop(tune_id)
        self._ahead.discard(tune_id)
        study.put_back(proposal)
        self.progress.trial_waits(study.key, proposal.number, "")

    @alone
    def next(self, tune_id: str) -> Config | None:
        """The configuration of the next trial, now known as ``tune_id``; None when there is none now.

        A trial that needs a larger share of a GPU goes first, and until it runs nothing else is handed out:
        others would take its room again and again.
        """
        if self.stopping or self._waiting is not None:
            return None
        if self._again:
            self._waiting = tune_id
            return self._hand_out(tune_id, *self._again.popleft())
        for step in range(len(self.studies)):
            study = self.studies[(self._turn + step) % len(self.studies)]
            proposal = None if self.causes.hold(study) else study.next(*self._allowed)
            if proposal is not None:
                self._turn = (self._turn + step + 1) % len(self.studies)
                return self._hand_out(tune_id, study, proposal)
        return None

    @alone
    def began(self, tune_id: str) -> None:
        """Hear that a trial has got its resources."""
        if tune_id == self._waiting:
            self._waiting = None

    @property
    @alone
    def has_more(self) -> bool:
        """Whether :meth:`next` has something left to hand out, now or later."""
        if self.stopping:
            return False
        if self._ahead or self._again or any(self.goes_on(study) for study in self.studies):
            return True
        # What runs may come back for more of a GPU, and Tune does not ask again once it was told the end.
        shares = (
            self._resources(study, proposal).get("gpu", 0.0) for study, proposal, _ in self._out.values()
        )
        return any(doubled(share) for share in shares)

    def goes_on(self, study: Study) -> bool:
        """Whether a study has something left to hand out, and nothing keeps its trials from beginning."""
        return not self.causes.hold(study) and study.has_more(*self._allowed)

    @property
    def _allowed(self) -> tuple[bool, bool]:
        """What studies may do: ask their samplers, and begin anything at all."""
        return not self.hours_are_spent, not self.too_many_failures

    @property
    def too_many_failures(self) -> bool:
        """Whether more trials have failed than the budget allows, so that none is begun any more."""
        return self._spent.too_many_failures

    def stop(self) -> None:
        """Hand out nothing more and end every running trial with its next report; a later run continues."""
        self.stopping = True

    @property
    def hours_are_spent(self) -> bool:
        """Whether the trials have run for the hours of the budget; time in which none ran does not count."""
        return self._spent.all_hours(sum(self._clock() - started for _, _, started in self._out.values()))

    @alone
    def report(self, tune_id: str, told: Report) -> bool:
        """Take an intermediate report; true when the trial should stop because it is hopeless."""
        study, proposal, _ = self._out[tune_id]
        self.workers_are_up = True
        self._pass_on_a_note(study, proposal, told)
        last = study.last_step(proposal)
        self.progress.epoch(study.key, proposal.number, told.epoch, last, told.metrics)
        value = told.measured.get(study.objective, math.nan)
        if study.report(proposal.number, told.epoch, value, told.replicates.get(study.objective, ())):
            self._pruned.add(tune_id)
        elif self.stopping:
            self._put_off.add(tune_id)
        return tune_id in self._pruned or tune_id in self._put_off

    def note_error(self, tune_id: str, log: Path | None) -> None:
        """Remember why a trial failed: the last line of its traceback, and the file that holds all of it."""
        refuse_gone(self.home)
        self._errors.note(tune_id, log)

    @alone
    def complete(self, tune_id: str, last: Report | None, failed: bool = False) -> None:
        """Close a trial, in Optuna first, then in MLflow, then for the person who watches.

        last: its last report; None where it told nothing. failed: whether its worker died, or what it was in.
        A trial that was only put off stays RUNNING in Optuna: the next run goes on with it.
        """
        study, proposal, started = self._out.pop(tune_id)
        self.workers_are_up |= tune_id not in self._ahead
        self._ahead.discard(tune_id)
        failed |= last is None
        last = last or Report()
        self._pass_on_a_note(study, proposal, last)
        self.began(tune_id)
        if tune_id in self._put_off or self._goes_on_with_more(study, proposal, last):
            return
        if self._ended_by_a_full_disk(last, failed):
            return
        error = self._errors.take(tune_id)
        cause = self._errors.cause(tune_id, error) if failed else None
        if cause := cause or last.cause:
            self._wait(study, proposal, cause)
            return
        pruned = study.place(last.epoch) if tune_id in self._pruned else ""
        self._pruned.discard(tune_id)
        ended = trial_end(self.sweep.search, proposal, last, pruned=pruned, failed=failed, error=error)
        seconds = self._clock() - started if last.seconds is None else last.seconds
        self._spent.add(seconds, ended.state)
        self._closing.close(study, proposal, last, ended, seconds)

    def _hand_out(self, tune_id: str, study: Study, proposal: Proposal) -> Config:
        self._out[tune_id] = (study, proposal, self._clock())
        self.progress.trial_started(study.key, proposal.number, proposal.params)
        spec = spec_of(self.home, study, proposal)
        self._follow(self.home.trial(study.key, proposal.number))
        return {**spec.to_config(), RESOURCES: self._resources(study, proposal)}

    def _resources(self, study: Study, proposal: Proposal) -> dict[str, float]:
        if "gpu" not in self.resources:
            return self.resources
        usual, wanted = self.resources["gpu"], self.sweep.resources.gpus
        if wanted == "auto":
            usual = with_seeds(usual, len(proposal.seeds) / len(self.sweep.tasks.seeds))
        # By now the sweep file may give more than the trial was given then.
        share = max(study.noted(proposal.number, SHARE) or 0.0, usual)
        return self.resources | {"gpu": share}

    def _goes_on_with_more(self, study: Study, proposal: Proposal, last: Report) -> bool:
        """Whether a trial ran out of its share of a GPU and is handed out again with twice as much.

        It stays RUNNING in Optuna and goes on from its checkpoint; noted there, so that a driver that starts
        again gives it as much.
        """
        if not last.out_of_memory:
            return False
        share = self._resources(study, proposal).get("gpu", 0.0)
        larger = doubled(share)
        if larger is None:
            return False
        study.note(proposal.number, SHARE, larger)
        self._again.append((study, proposal))
        told = f"out of memory with {share:g} of a GPU; it goes on with {larger:g}"
        self.progress.say(f"{study.key} trial {proposal.number}: {told}")
        return True

    def _ended_by_a_full_disk(self, last: Report, without_a_word: bool) -> bool:
        """Whether a trial ended because a disk is full. Nothing is its fault, and no other one can go better:
        the sweep stops, and the trial stays RUNNING in Optuna for the run that finds room.

        without_a_word: its worker died, or Tune could not write what it keeps of a trial.
        """
        full = last.full or (no_room(None, self.home.path) if without_a_word else None)
        if full is None:
            return False
        self.full = self.full or full
        self.stop()
        return True

    def _wait(self, study: Study, proposal: Proposal, cause: Cause) -> None:
        """Leave a trial, and all of the studies that share the cause, to the run that finds it gone.

        It stays RUNNING in Optuna, and is taken up under its number.
        """
        self.causes.add(cause)
        others = [each for each, _, _ in self._out.values() if not self.causes.hold(each)]
        goes_on = bool(others) or any(map(self.goes_on, self.studies))
        # Where nothing goes on the run ends with it.
        self.progress.trial_waits(study.key, proposal.number, str(cause.problem) if goes_on else "")

    def _pass_on_a_note(self, study: Study, proposal: Proposal, told: Report) -> None:
        """Say what a worker found that a person should know."""
        if told.note:
            self.progress.say(f"{study.key} trial {proposal.number}: {told.note}")

    def _clock(self) -> float:
        """Seconds, from wherever."""
        return time.monotonic()
