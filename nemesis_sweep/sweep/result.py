"""What a trial tells: a report after some epochs, and a result at its end. Nothing here imports torch.

Both are made once, by the worker, and read as they are everywhere. They are plain JSON only where they leave
a process or go to a file: in Ray Tune's dictionaries, between a driver and its process, in `result.json`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.cause import Cause

Means = Mapping[str, float]
"""Metrics by name, each the mean over the replicates."""
Replicates = Mapping[str, Sequence[float]]
"""Metrics by name, with a value for every replicate, in the order of the seeds."""

Told = TypeVar("Told", "Report", "Result")


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a trial tells when it has measured something, and at its end, whatever that is.

    epoch: the pruner's step. metrics: means over the replicates of what was measured. seconds: of training so
    far; None where that is not known. failed_seeds: of replicates that met a loss that is not finite.
    done: whether this is the last. note: what a person should know of, such as a damaged file, in a line.

    A trial that raised has one of these: failure, a line for a person, and with it out_of_memory, whether a
    larger share of a GPU could help; full, the file that found no room; cause, what all trials share.
    """

    epoch: int = 0
    metrics: Means = field(default_factory=dict)
    replicates: Replicates = field(default_factory=dict)
    seconds: float | None = None
    failed_seeds: Sequence[int | str] = ()
    done: bool = False
    note: str = ""
    failure: str = ""
    out_of_memory: bool = False
    full: str = ""
    cause: Cause | None = None

    @property
    def measured(self) -> Means:
        """The metrics, and `seconds` among them."""
        return self.metrics if self.seconds is None else {**self.metrics, "seconds": self.seconds}

    def to_json(self) -> dict[str, Any]:
        """What is not left at its default, and always `epoch` and `done`, which Ray Tune reads too."""
        told = _plain(self, keep=("epoch", "done"))
        return {**told, "cause": self.cause.to_plain()} if self.cause else told

    @classmethod
    def from_json(cls, told: Values) -> Report:
        """What :meth:`to_json` gave. Raises ``ValueError`` for anything else."""
        if not isinstance(told, dict) or not {"epoch", "done"} <= set(told):
            raise ValueError("a report has epoch and done")
        cause = {"cause": Cause.from_plain(told["cause"])} if "cause" in told else {}
        return _checked(cls, {**told, **cause})

    @classmethod
    def from_tune(cls, flat: Values) -> Report:
        """A report that Ray Tune hands on: nested names are joined, as in `metrics/val/accuracy`, and names
        of its own stand beside ours. Of a trial that it ends before the first report there are only those."""
        told: dict[str, Any] = {each.name: flat[each.name] for each in fields(cls) if each.name in flat}
        told |= {"epoch": flat.get("epoch", 0), "done": bool(flat.get("done"))}
        for name in ("metrics", "replicates"):
            mark = f"{name}/"
            told[name] = told.get(name) or {
                key.removeprefix(mark): value for key, value in flat.items() if key.startswith(mark)
            }
        return cls.from_json(told)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a trial of one task ends with, or, without a task, a joint trial over all of its tasks.

    params: the searched values. config: all fields of the method; of a joint trial those that its tasks
    share. seeds: of the replicates. epochs: trained in all; 0 where no prompt is. step: of a joint trial, the
    pruner's at its end. metrics: means; replicates: what they are the means of. worker: host and process.
    selected_share: as in ``prompts.artifact``. prompt_checksum, reference_checksum: of what was left beside
    it, a prompt, or what a row without one has learnt (``training.references.saved``).
    checksum: that the file carries; '' of one that an earlier version wrote.
    """

    # In the order of the file.
    study: str
    task: str = ""
    number: str
    baseline: str
    params: Values
    config: Values
    seeds: Sequence[int]
    epochs: int
    step: int | None = None
    metrics: Means
    replicates: Replicates
    failed_seeds: Sequence[Any]
    seconds: float
    worker: str = ""
    selected_share: Sequence[Sequence[float]] | None = None
    prompt_checksum: str = ""
    reference_checksum: str = ""
    checksum: str = ""

    @property
    def measured(self) -> Means:
        """The metrics, and `seconds` among them."""
        return {**self.metrics, "seconds": self.seconds}

    @property
    def last_step(self) -> int:
        """The pruner's step at the end."""
        return self.epochs if self.step is None else self.step

    @property
    def has_prompt(self) -> bool:
        """Whether a prompt stands beside it."""
        return bool(self.epochs and self.task)

    @property
    def left(self) -> tuple[str, str] | None:
        """What stands beside it, `prompt` or `reference`, and its checksum, '' where none was kept."""
        if self.has_prompt:
            return "prompt", self.prompt_checksum
        return ("reference", self.reference_checksum) if self.reference_checksum else None

    def report(self, note: str = "") -> Report:
        """What a trial with this result tells at its end."""
        return Report(
            epoch=self.last_step,
            metrics=self.metrics,
            replicates=self.replicates,
            seconds=self.seconds,
            failed_seeds=self.failed_seeds,
            done=True,
            note=note,
        )

    def to_json(self) -> dict[str, Any]:
        """The record for `result.json`, without its checksum."""
        # A trial without PAN says so: it has no share.
        share = ("selected_share",) if self.has_prompt else ()
        return _plain(replace(self, checksum=""), keep=share)

    @classmethod
    def from_json(cls, record: Values) -> Result:
        """A record of this version or an earlier one; of a later one what is not known is left out.

        Raises ``ValueError`` for what is no result.
        """
        return _checked(cls, record)


def _plain(told: Report | Result, keep: Sequence[str]) -> dict[str, Any]:
    """The fields by name, without those that are at their default and not to be kept."""
    plain = {}
    for each in fields(told):
        value = getattr(told, each.name)
        if each.name in keep or value != _usual(each):
            plain[each.name] = list(value) if isinstance(value, tuple) else value
    return plain


def _shape(kind: type[Report] | type[Result]) -> type[BaseModel]:
    """The model that checks a record of a kind, without conversions; it leaves out what it does not know."""
    hints = get_type_hints(kind)
    named: dict[str, Any] = {
        each.name: (
            hints[each.name],
            ... if each.default is MISSING is each.default_factory else _usual(each),
        )
        for each in fields(kind)
    }
    return create_model(kind.__name__, __config__=ConfigDict(strict=True), **named)


def _usual(each: Field[Any]) -> Any:
    return each.default if each.default_factory is MISSING else each.default_factory()


_SHAPES = {kind: _shape(kind) for kind in (Report, Result)}


def _checked(kind: type[Told], values: Values) -> Told:
    try:
        checked = _SHAPES[kind].model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place}: {first['msg']}") from error
    return kind(**{each.name: getattr(checked, each.name) for each in fields(kind)})
