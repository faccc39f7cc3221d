"""The Ray Tune trainable: an actor that stays warm and takes one trial after the other."""

import os
from pathlib import Path
from typing import Any

import ray
from ray import tune


class PromptTrainable(tune.Trainable):
    """Trains the assignment in its configuration.

    Checkpoints are the trial's own, in the sweep's home: they outlive Ray, the driver and the machine,
    and a restarted actor finds them in :meth:`setup`. A trial that raises says so in its answer: Tune
    restarts only trials whose worker or node was lost, for those can go better another time.
    """

    def setup(self, config: dict[str, Any]) -> None:
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        if self.failed is None:
            try:
                return self.session.advance()
            except Exception as error:
                self._fail(error)
        return self.failed or {}

    def _begin(self, config: dict[str, Any]) -> None:
        # Before torch looks: an actor that was given no GPU must not take one.
        if ray.is_initialized() and not ray.get_gpu_ids():
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        # Imported here: Tune loads this class in the driver too, which never needs torch.
        import torch

        from nemesis_sweep.sweep.assignment import Assignment
        from nemesis_sweep.sweep.home import Home
        from nemesis_sweep.sweep.trial import TrialSession

        assignment = Assignment.from_config(config)
        torch.set_num_threads(assignment.threads)
        self.folder = Home(Path(assignment.home)).trial(assignment.task.key, assignment.number)
        self.failed: dict[str, Any] | None = None
        self.session: Any = None
        try:
            self.session = TrialSession(assignment)
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        from nemesis_sweep.sweep.failure import failure

        self.failed = failure(error, self.folder)
        self.session = None
