"""The Ray Tune trainable: an actor that stays warm and takes one trial after the other."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray import tune

from nemesis_sweep.sweep.cause import WORKERS
from nemesis_sweep.sweep.cluster.shares import RESOURCES
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.home.shared import refuse_without
from nemesis_sweep.sweep.trial_spec import (
    Config,
    JointTrialSpec,
    TrialSpec,
    home_of,
    parts_of,
    read_trial_spec,
)
from nemesis_sweep.sweep.worker.beginning import shared_by
from nemesis_sweep.sweep.worker.gpu_memory import give_back, gpu_share, hide_gpus, keep_to_share
from nemesis_sweep.vlm.gpu_errors import is_sticky

if TYPE_CHECKING:
    from nemesis_sweep.sweep.result import Report
    from nemesis_sweep.sweep.worker.session import Session


GPU_LOST = 70
"""With which a worker ends whose GPU answers no more."""


class PromptTrainable(tune.Trainable):
    """Trains the trial in its configuration.

    Checkpoints are the trial's own, in the sweep's home: they outlive Ray, the driver and the machine,
    and a restarted actor finds them in its first :meth:`step`. A trial that raises says so in its answer:
    Tune restarts only trials whose worker or node was lost, or whose node does not see the home, for those
    can go better another time. A worker leaves by itself when its GPU answers no more.

    An actor is ready at once; torch, towers and features are loaded by its first step. For Tune gives the
    trial of an actor that is still getting ready to one that has just become free, and ends the former: with
    trials shorter than the loading, one actor would do all of them.
    """

    session: Session | None = None
    folder: Path | None = None
    failed: Report | None = None

    @classmethod
    def default_resource_request(cls, config: Config) -> tune.PlacementGroupFactory:
        """What the driver gives to this trial: a trial that ran out of memory gets more than others."""
        return tune.PlacementGroupFactory(
            [{name.upper(): amount for name, amount in config[RESOURCES].items()}]
        )

    def setup(self, config: Config) -> None:
        self._forget()

    def reset_config(self, new_config: Config) -> bool:
        self._forget()
        return True

    def step(self) -> dict[str, Any]:
        if self.failed is not None:
            return self.failed.to_json()
        home = Path(home_of(self.config))
        # Each time: what is written below a home that is gone would make another one, of a part of it.
        refuse_without(Home(home))
        try:
            hide_gpus()
            if self.session is None:
                self.session = self._begin(home)
            return self.session.advance().to_json()
        except Exception as error:
            from nemesis_sweep.sweep.worker.failure import failure

            refuse_without(Home(home))
            folder = self.folder or home
            self._forget()
            self.failed = failure(error, folder)
            if is_sticky(error):
                # Whatever it computed next would fail too. Tune goes on as after any worker that was lost.
                os._exit(GPU_LOST)
        # Out here, where the error no longer holds on to what was computed.
        give_back()
        return self.failed.to_json()

    def _begin(self, home: Path) -> Session:
        # The sweep may have modules of its own, which this node has to be able to import.
        with shared_by(WORKERS, "", str(home)):
            spec = read_trial_spec(self.config)
        self.folder = spec.folder
        return _opened(spec)

    def _forget(self) -> None:
        self.session = self.folder = self.failed = None


def _opened(spec: TrialSpec | JointTrialSpec) -> Session:
    # Imported here: Tune loads this module in the driver too, which never needs torch.
    with shared_by(WORKERS, "", spec.home):
        import torch

        from nemesis_sweep.prompts.registry import learner_of
        from nemesis_sweep.sweep.worker.joint_trial import open_session

        for part in parts_of(spec):
            if not part.reference:
                learner_of(part.method.prompt)
        spec.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(spec.threads)
    keep_to_share(gpu_share(), Path(spec.home))
    return open_session(spec)
