"""A whole sweep file, valid."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from nemesis_sweep.messages.faults import refuse
from nemesis_sweep.spec.budget import Budget
from nemesis_sweep.spec.checks.between_sections import faults_between
from nemesis_sweep.spec.confirm import fresh_seeds
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.dimensions import Choice, FloatRange, IntRange
from nemesis_sweep.spec.fields import Section, Text
from nemesis_sweep.spec.method import MethodSection
from nemesis_sweep.spec.outside.kept import OwnModules
from nemesis_sweep.spec.resources import Resources
from nemesis_sweep.spec.search import Search
from nemesis_sweep.spec.space import UNCHECKED, read_space
from nemesis_sweep.spec.task_names import Names, named
from nemesis_sweep.spec.tasks import Task, Tasks
from nemesis_sweep.spec.tracking import Tracking

LONGEST_NAME = 80
JOINT, MEAN = "joint", "mean"
"""Name of a joint study, and what stands in place of a task's name where its tasks are averaged."""


def _folder_name(name: str) -> str:
    if len(name) > LONGEST_NAME or not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", name):
        context = {"allowed": f"letters, digits, '.', '_' and '-' between them, at most {LONGEST_NAME}"}
        raise PydanticCustomError("folder_name", "not usable as the name of a folder", context)
    return name


def _is_checked(info: ValidationInfo) -> bool:
    return bool(info.context and info.context.checked)


def _space(raw: Any, info: ValidationInfo) -> Any:
    if _is_checked(info):
        return raw
    space, faults = read_space(raw, ("space",), info.context or UNCHECKED)
    refuse(faults)
    return space


class Heading(Section):
    """What stands above the sections."""

    name: Annotated[Text, AfterValidator(_folder_name)]


class Sweep(Heading):
    """Everything that a sweep file says, with its defaults filled in.

    Raises a pydantic ValidationError for values that a section refuses and a `UserError` for a space
    or for sections that do not go together; `load_sweep` turns all of them into one `UserError`.
    """

    tasks: Tasks
    method: MethodSection = Field(default_factory=MethodSection)
    space: Annotated[dict[str, FloatRange | IntRange | Choice], BeforeValidator(_space)] = Field(
        default_factory=dict
    )
    search: Search = Field(default_factory=Search)
    budget: Budget = Field(default_factory=Budget)
    resources: Resources = Field(default_factory=Resources)
    tracking: Tracking = Field(default_factory=Tracking)
    _names: Names | None = PrivateAttr(None)
    _modules: OwnModules = PrivateAttr(OwnModules())

    @model_validator(mode="after")
    def _sections_go_together(self, info: ValidationInfo) -> Sweep:
        if not _is_checked(info):
            parts = CrossSection(self.method, self.space, self.tasks, self.search, self.budget)
            refuse(faults_between(parts))
        return self

    @property
    def experiment(self) -> str:
        """Name of the MLflow experiment."""
        return self.tracking.experiment or self.name

    def called(self, names: Names) -> Sweep:
        """Return the sweep with these names for those of its tasks that have one."""
        copy = self.model_copy()
        copy._names = names
        return copy

    @property
    def modules(self) -> OwnModules:
        """The modules beside its file that it needs."""
        return self._modules

    def with_modules(self, modules: OwnModules) -> Sweep:
        """Return the sweep with the modules that it needs."""
        copy = self.model_copy()
        copy._modules = modules
        return copy

    def task_list(self) -> list[Task]:
        """Every task of the sweep, with its name."""
        return named(self.tasks.task_list(), self._names)

    @property
    def confirm_seeds(self) -> tuple[int, ...]:
        """The fresh seeds on which the best are trained again; none where they are not."""
        confirm = self.search.confirm
        return () if confirm is None else fresh_seeds(self.tasks.seeds, confirm.seeds)

    @property
    def all_seeds(self) -> list[int]:
        """The seeds of all its trials."""
        return [*self.tasks.seeds, *self.confirm_seeds]

    def studies(self) -> dict[str, list[Task]]:
        """Name of every study with its tasks: one study per task, or a joint one for all of them."""
        tasks = self.task_list()
        return {JOINT: tasks} if self.search.study == "joint" else {task.key: [task] for task in tasks}
