"""The Ray Tune trainable: an actor that stays warm and takes one trial after the other."""

import os
from typing import Any

import ray
from ray import tune


class PromptTrainable(tune.Trainable):
    """Trains the assignment in its configuration.

    Checkpoints are the trial's own, in the sweep's home: they outlive Ray, the driver and the machine,
    and a restarted actor finds them in :meth:`setup`.
    """

    def setup(self, config: dict[str, Any]) -> None:
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        return self.session.advance()

    def _begin(self, config: dict[str, Any]) -> None:
        # Before torch looks: an actor that was given no GPU must not take one.
        if ray.is_initialized() and not ray.get_gpu_ids():
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        # Imported here: Tune loads this class in the driver too, which never needs torch.
        import torch

        from nemesis_sweep.sweep.assignment import Assignment
        from nemesis_sweep.sweep.trial import TrialSession

        assignment = Assignment.from_config(config)
        torch.set_num_threads(assignment.threads)
        self.session = TrialSession(assignment)
