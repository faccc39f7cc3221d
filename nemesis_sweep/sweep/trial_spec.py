"""What the driver hands to a worker: everything that one trial needs, as plain values."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from nemesis_sweep.spec.baselines import trains_prompt
from nemesis_sweep.spec.corrupt import Corrupt
from nemesis_sweep.spec.kinds import is_row
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.outside.beside import BESIDE
from nemesis_sweep.spec.outside.methods import read_method
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.worker.result import Owner

Config = dict[str, Any]
"""What a worker is given, as plain values: so Ray Tune keeps it, and one process hands it to another."""

_PLAIN = ("home", "number", "baseline", "eval_every", "threads", "part_of")


@dataclass(frozen=True)
class TrialSpec:
    """One trial of one task. ``number`` is the Optuna trial number, or a baseline's name.

    ``part_of`` is the joint study whose trial this is a part of, '' for a trial of the task's own study.
    ``corrupt``: how the prompt is corrupted at the end; None where it is not.
    ``varied`` has what differs between trials in any case (``logged.varied``).
    """

    home: str
    task: Task
    number: str
    baseline: str
    params: Values
    method: Method
    seeds: tuple[int, ...]
    eval_every: int
    threads: int
    part_of: str = ""
    varied: tuple[str, ...] = ()
    corrupt: Corrupt | None = None

    @property
    def study(self) -> str:
        """Name of the study."""
        return self.part_of or self.task.key

    @property
    def reference(self) -> str:
        """The row of ``spec.baselines`` that it measures; '' where it trains a prompt."""
        if not trains_prompt(self.baseline):
            return self.baseline
        return self.method.prompt if is_row(self.method.prompt) else ""

    @property
    def owner(self) -> Owner:
        """Whose result and checkpoint are believed."""
        return Owner(self.study, self.number, self.params, self.seeds, self.task.key)

    @property
    def folder(self) -> Path:
        """Where checkpoint, prompt and result are: the trial's folder, or the task's in a joint trial's."""
        trial = Home(Path(self.home)).trial(self.study, self.number)
        return trial / self.task.key if self.part_of else trial

    def to_config(self) -> Config:
        """A dictionary of plain values, as Ray Tune keeps configurations."""
        return {
            **{key: getattr(self, key) for key in _PLAIN},
            "task": asdict(self.task),
            "params": dict(self.params),
            "method": self.method.model_dump(),
            "seeds": list(self.seeds),
            "varied": list(self.varied),
            "corrupt": None if self.corrupt is None else self.corrupt.model_dump(),
        }

    @classmethod
    def from_config(cls, config: Values) -> "TrialSpec":
        """What :meth:`to_config` wrote. Modules of the sweep's own are those that its home keeps."""
        BESIDE.look_in(Path(config["home"]))
        return cls(
            **{key: config[key] for key in _PLAIN},
            task=Task.from_plain(config["task"]),
            params=config["params"],
            method=read_method(config["method"]),
            seeds=tuple(config["seeds"]),
            varied=tuple(config["varied"]),
            corrupt=None if config["corrupt"] is None else Corrupt.model_validate(config["corrupt"]),
        )


@dataclass(frozen=True)
class JointTrialSpec:
    """One trial of a joint study: the same configuration on one task after the other.

    ``starts`` holds, for each part, the pruner's step at which the part begins; the same for all trials of a
    study, so that equal steps mean the same epoch of the same task.
    """

    parts: tuple[TrialSpec, ...]
    starts: tuple[int, ...]

    def to_config(self) -> Config:
        """A dictionary of plain values, as Ray Tune keeps configurations."""
        return {"parts": [part.to_config() for part in self.parts], "starts": list(self.starts)}

    @classmethod
    def from_config(cls, config: Values) -> "JointTrialSpec":
        """What :meth:`to_config` wrote."""
        return cls(tuple(map(TrialSpec.from_config, config["parts"])), tuple(config["starts"]))

    @property
    def folder(self) -> Path:
        """The trial's folder: the result over all tasks, and a folder for each task."""
        return self.parts[0].folder.parent

    @property
    def owner(self) -> Owner:
        """Whose result over all tasks is believed."""
        return replace(self.parts[0].owner, task="")

    @property
    def home(self) -> str:
        """The sweep's home."""
        return self.parts[0].home

    @property
    def threads(self) -> int:
        """Threads that the worker may use."""
        return self.parts[0].threads


def parts_of(spec: TrialSpec | JointTrialSpec) -> tuple[TrialSpec, ...]:
    """The tasks' specs, of which a trial of one task has itself alone."""
    return spec.parts if isinstance(spec, JointTrialSpec) else (spec,)


def shared_config(spec: TrialSpec | JointTrialSpec) -> Values:
    """The method's values that are the same for all tasks; a dataset may have some of its own."""
    first, *others = (part.method.model_dump() for part in parts_of(spec))
    return {
        name: value
        for name, value in first.items()
        if all(name in other and other[name] == value for other in others)
    }


def read_trial_spec(config: Values) -> TrialSpec | JointTrialSpec:
    """What a `to_config` of either kind wrote."""
    return (JointTrialSpec if "parts" in config else TrialSpec).from_config(config)


def home_of(config: Values) -> str:
    """The sweep's home, in what a `to_config` of either kind wrote."""
    return str((config["parts"][0] if "parts" in config else config)["home"])
