"""What a simulation uses of Ray Tune that is not public: its controller, and where that finds its workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ray.tune.experiment import Experiment

from nemesis_sweep.sweep.internals.private_names import importing, refuse_missing

with importing("ray"):
    from ray.air.execution._internal import TrackedActor as TrackedActor
    from ray.train._internal.storage import StorageContext
    from ray.tune.execution.tune_controller import TuneController as TuneController

NAMES = (
    "ray.air.execution._internal.TrackedActor._on_stop",
    *(
        f"ray.air.execution._internal.RayActorManager.{name}"
        for name in (
            "_live_actors_to_ray_actors_resources",
            "add_actor",
            "cleanup",
            "clear_actor_task_futures",
            "is_actor_failed",
            "is_actor_started",
            "next",
            "num_actor_tasks",
            "num_live_actors",
            "num_pending_actors",
            "num_total_actors",
            "remove_actor",
            "schedule_actor_task",
        )
    ),
    "ray.train._internal.storage.StorageContext._get_session_path",
    "ray.train._internal.storage.StorageContext.storage_fs_path",
    "ray.tune.execution.tune_controller.TuneController._actor_manager",
    "ray.tune.execution.tune_controller.TuneController.update_max_pending_trials",
    "ray.tune.experiment.Experiment._storage_context_cls",
)


def check_tune() -> None:
    """Raise a UserError with the names that Ray Tune lacks."""
    refuse_missing("ray", NAMES)


class _Storage(StorageContext):
    """Tune's folders below the path that it is given; by default they are in a Ray session's."""

    def _get_session_path(self) -> str:
        return str(Path(self.storage_fs_path) / "session")


class LocalExperiment(Experiment):
    """An experiment whose folders are all below its storage path."""

    _storage_context_cls = _Storage


def take_workers(controller: TuneController, workers: Any) -> None:
    """Let a controller find its workers at an object with the methods of Ray's RayActorManager."""
    controller._actor_manager = workers


def tell_of_its_end(actor: TrackedActor) -> None:
    """Call what Tune asked to be called when an actor has stopped."""
    if actor._on_stop:
        actor._on_stop(actor)
