"""The `tasks` section: what every configuration of the sweep is tried on."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from itertools import product
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from nemesis_sweep.files.current_folder import here
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.spec.choices import PROTOCOLS, OneOf
from nemesis_sweep.spec.data_root import data_root
from nemesis_sweep.spec.fields import (
    Count,
    Distinct,
    NoneOrMany,
    OneOrMany,
    Real,
    Section,
    Seed,
    Text,
    to_whole,
)
from nemesis_sweep.spec.names import BackboneName, DatasetName
from nemesis_sweep.spec.values import Values

PUBLISHED: Literal["published"] = "published"
ALL: Literal["all"] = "all"
ValShots = Count | Literal["published", "all"]
"""Validation images of each class: a number of them, min(shots, 4) as published, or all there are."""


def slug(name: str) -> str:
    """Return `name` as part of a file name; names that had to change keep apart by a short hash."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")
    if safe == name and len(name) <= 60:
        return name
    return f"{safe[-50:]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}".lstrip("-.")


@dataclass(frozen=True)
class Task:
    """Backbone x dataset x shots x protocol: what one number in a paper's table stands for.

    root: the data root; targets: datasets that are tested on beside its own; val_shots: validation images of
    each class; start: where a relative path of the backbone starts. Folders are absolute, for workers change
    theirs. logit_scale: the factor on cosines of a backbone whose weights have none, None for the usual one.
    None of these tells it from another task. name: what its sweep calls it, '' where it stands alone;
    target_names: what the targets are called.
    """

    backbone: str
    dataset: str
    shots: int
    protocol: str
    root: str | None = None
    targets: tuple[str, ...] = ()
    val_shots: ValShots = PUBLISHED
    start: str = ""
    name: str = ""
    target_names: tuple[str, ...] = ()
    logit_scale: float | None = None

    @classmethod
    def from_plain(cls, fields: Values) -> Task:
        """A task of what ``dataclasses.asdict`` made of one, also where JSON or Ray made its tuples lists."""
        tuples = {name: tuple(fields[name]) for name in ("targets", "target_names")}
        return cls(**{**fields, **tuples})

    @property
    def identity(self) -> str:
        """All that tells it from other tasks, whatever sweep it is in: `digits-4shot-few_shot-icon-clip`."""
        return f"{slug(self.dataset)}-{self.shots}shot-{self.protocol}-{slug(self.backbone)}"

    @property
    def key(self) -> str:
        """Name of the task's study and folder, such as `digits-4shot`."""
        return self.name or self.identity

    @property
    def tested(self) -> dict[str, str]:
        """The targets by the names that their metrics have."""
        return dict(zip(self.target_names or map(slug, self.targets), self.targets, strict=True))

    @property
    def label(self) -> str:
        """Short name for people, such as `clipart 16-shot`; the backbone is left out."""
        suffix = "" if self.protocol == "few_shot" else f" {self.protocol}"
        return f"{self.dataset} {self.shots}-shot{suffix}"


class Tasks(Section):
    """The product of backbones, datasets and shots, under one protocol and with the same seeds.

    logit_scale: the factor on cosines of backbones whose weights have none, such as BLIP's; else 1 / 0.07.
    val_shots: validation images of each class, what trials are selected on: `published` (min(shots, 4), as
    CoOp's lists), a number, or `all` of the val split.
    targets: datasets that `domain_generalization` tests on, with their own class names.
    replicates: number of seeds, 1..replicates, unless `seeds` lists them.
    unreadable: an image that is missing, truncated or no image stops the sweep, or is skipped: an episode
    gets another image of its class in its place, a test set loses it, and the episodes' record names it.
    root: folder that holds the datasets, where relative paths of your own start; the embedded ones need none.
    By default $NEMESIS_SWEEP_DATA, else the current folder.
    """

    backbone: OneOrMany[BackboneName] = Field(default=["icon-clip"])
    logit_scale: Annotated[Real, Field(gt=0)] | None = None
    dataset: OneOrMany[DatasetName]
    shots: OneOrMany[Count] = Field(default=[16])
    val_shots: ValShots = PUBLISHED
    protocol: Annotated[str, OneOf(PROTOCOLS)] = "few_shot"
    targets: NoneOrMany[DatasetName] = Field(default=[])
    replicates: Annotated[int, Field(ge=1, le=1000), BeforeValidator(to_whole)] = 3
    seeds: Annotated[Distinct[Seed], Field(min_length=1, max_length=1000)] = Field(default=[1, 2, 3])
    unreadable: Literal["stop", "skip"] = "stop"
    root: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _replicates_and_seeds(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        replicates, seeds = data.get("replicates"), data.get("seeds")
        if seeds is None and isinstance(replicates, int | float) and 1 <= replicates <= 1000:
            return {**data, "seeds": list(range(1, int(replicates) + 1))}
        if replicates is None and isinstance(seeds, list) and 1 <= len(seeds) <= 1000:
            return {**data, "replicates": len(seeds)}
        return data

    @model_validator(mode="after")
    def _as_many_seeds_as_replicates(self) -> Tasks:
        if self.replicates != len(self.seeds):
            context = {
                "replicates": counted(self.replicates, "replicate"),
                "seeds": counted(len(self.seeds), "seed"),
                "allowed": f"{len(self.seeds)}, one for each seed, or seeds alone",
                "at": "replicates",
            }
            raise PydanticCustomError("count", "{replicates} but {seeds}", context)
        return self

    def task_list(self) -> list[Task]:
        """Every task, without a name yet: datasets first, then shots, for one backbone after the other."""
        root, start = str(data_root(self.root)), str(here())
        return [
            Task(
                backbone,
                dataset,
                shots,
                self.protocol,
                root,
                tuple(self.targets),
                self.val_shots,
                start,
                logit_scale=self.logit_scale,
            )
            for backbone, dataset, shots in product(self.backbone, self.dataset, self.shots)
        ]
