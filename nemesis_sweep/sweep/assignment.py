"""What the driver hands to a worker: everything that one trial needs, as plain values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.tracking.store import Tracking

COOP, PAPER, LINEAR_PROBE = "coop", "paper", "linear_probe"


@dataclass(frozen=True)
class Assignment:
    """One trial of one task. ``number`` is the Optuna trial number, or a baseline's name."""

    home: str
    task: Task
    number: str
    baseline: str
    params: Mapping[str, Any]
    method: Method
    seeds: tuple[int, ...]
    eval_every: int
    threads: int
    tracking: Tracking

    def to_config(self) -> dict[str, Any]:
        """A dictionary of plain values, as Ray Tune keeps configurations."""
        return {
            **{key: getattr(self, key) for key in ("home", "number", "baseline", "eval_every", "threads")},
            "task": asdict(self.task),
            "params": dict(self.params),
            "method": self.method.model_dump(),
            "seeds": list(self.seeds),
            "tracking": asdict(self.tracking),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Assignment":
        """What :meth:`to_config` wrote."""
        return cls(
            **{key: config[key] for key in ("home", "number", "baseline", "params", "eval_every", "threads")},
            task=Task(**config["task"]),
            method=Method.model_validate(config["method"]),
            seeds=tuple(config["seeds"]),
            tracking=Tracking(**config["tracking"]),
        )
