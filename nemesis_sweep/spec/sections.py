"""From the plain data of a sweep file to its sections, with everything that is wrong with any of them."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from nemesis_sweep.messages.faults import Fault, Key, Path, listed, shown
from nemesis_sweep.spec.budget import Budget
from nemesis_sweep.spec.checks.between_sections import faults_between
from nemesis_sweep.spec.checks.steps import step_faults
from nemesis_sweep.spec.checks.with_backbones import backbone_faults
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.fields import Section
from nemesis_sweep.spec.names import KnownNames, Reading, meant_name
from nemesis_sweep.spec.other_keys import full_key, meant_key, places_of
from nemesis_sweep.spec.outside.methods import method_model, section_model
from nemesis_sweep.spec.outside.prompts_in import outside_prompts
from nemesis_sweep.spec.pruners import PRUNERS
from nemesis_sweep.spec.resources import Resources
from nemesis_sweep.spec.samplers import SAMPLERS
from nemesis_sweep.spec.search import Search
from nemesis_sweep.spec.space import read_space, searched_form
from nemesis_sweep.spec.sweep import Heading, Sweep
from nemesis_sweep.spec.tasks import Tasks
from nemesis_sweep.spec.tracking import Tracking
from nemesis_sweep.spec.translate import WRONG_TYPE, faults_of

KEYS = list(Sweep.model_fields)
_MODELS = {name: field.annotation for name, field in Sweep.model_fields.items()}
SECTIONS: dict[str, list[str]] = {
    name: list(model.model_fields)
    for name, model in _MODELS.items()
    if isinstance(model, type) and issubclass(model, Section)
} | {"space": []}
"""The keys of every section. Those of `space` are fields of the method, which has them already."""
PLACES = places_of(SECTIONS)
NESTED = {
    f"{name}.{key}"
    for name, model in _MODELS.items()
    if isinstance(model, type) and issubclass(model, Section)
    for key, field in model.model_fields.items()
    if any(isinstance(each, type) and issubclass(each, Section) for each in get_args(field.annotation))
}
"""Keys that hold a section of their own, and no single value."""
FIRST_KEYS = {"tasks": "dataset", "budget": "trials", "resources": "gpus", "tracking": "mlflow"}
"""What a section is taken for that is a single value."""

Model = TypeVar("Model", bound=Section)


def read_sections(data: Any, known: KnownNames | None) -> tuple[Sweep | None, list[Fault]]:
    """Return the sweep that `data` describes, or everything that is wrong with it."""
    if not isinstance(data, dict):
        allowed = f"a mapping with {', '.join(KEYS)}"
        return None, [Fault((), "empty" if data is None else WRONG_TYPE, shown(data), allowed)]
    kinds, faults = outside_prompts(data, known)
    if faults:  # Without a kind nobody knows which fields there are.
        return None, faults
    reading = Reading(known, method_model(kinds), PLACES)
    reader = _Sections(data, reading)
    heading = reader.heading()
    tasks = reader.section("tasks", Tasks)
    method = reader.section("method", section_model(kinds))
    space = reader.space()
    search = reader.section("search", Search)
    budget = reader.section("budget", Budget)
    resources = reader.section("resources", Resources)
    tracking = reader.section("tracking", Tracking)
    reader.options(search)
    if method is not None:
        unsure = frozenset(reader.unsure())
        blocks = known.text_blocks if known is not None else None
        of_images = known.image_blocks if known is not None else None
        parts = CrossSection(method, space, tasks, search, budget, unsure, blocks, of_images)
        reader.faults += faults_between(parts)
        if known is not None:
            reader.faults += backbone_faults(parts, known)
            # A sweep of an earlier version, read from its home, is only looked at.
            reader.faults += step_faults(parts)
    sections = (heading, tasks, method, search, budget, resources, tracking)
    if reader.faults or any(section is None for section in sections):
        return None, reader.faults
    values = {"name": data["name"], "tasks": tasks, "method": method, "space": space, "search": search}
    values |= {"budget": budget, "resources": resources, "tracking": tracking}
    # Every part has been read and looked at above, the whole as well.
    return Sweep.model_validate(values, context=replace(reading, checked=True)), []


class _Sections:
    """Reads section by section, so that a mistake in one does not hide the others."""

    def __init__(self, data: dict[Any, Any], reading: Reading) -> None:
        self.data = data
        self.reading = reading
        self.known = reading.known
        self.faults = [
            Fault((key,), "unknown key", "", listed(KEYS), self._place_of(key, value))
            for key, value in data.items()
            if key not in KEYS
        ]

    def _place_of(self, key: Key, value: Any) -> str:
        """Return where a key of no section belongs; where its value is a dimension, under `space`."""
        meant = _set_as(str(key)) or meant_key(key, KEYS, places=PLACES)
        return searched_form(meant.removeprefix("method."), value, self.reading) or meant

    def heading(self) -> Heading | None:
        data = {"name": self.data["name"]} if "name" in self.data else {}
        return self._validated(data, Heading, ())

    def section(self, name: str, model: type[Model]) -> Model | None:
        """Return the section, what is valid of it, or None; a section without any key may be left empty."""
        data = self.data.get(name)
        return self._validated({} if data is None else data, model, (name,))

    def space(self) -> dict[str, Any]:
        raw = self.data.get("space")
        space, faults = read_space({} if raw is None else raw, ("space",), self.reading)
        self.faults += faults
        return space

    def options(self, search: Search | None) -> None:
        """Check the options of sampler and pruner, where there are any."""
        if search is None or self.known is None:
            return
        given = (
            ("sampler", search.sampler, search.sampler_options, self.known.sampler_options),
            ("pruner", search.pruner, search.pruner_options, self.known.pruner_options),
        )
        wrong = self.unsure()
        for kind, name, options, faults_of_options in given:
            table = SAMPLERS if kind == "sampler" else PRUNERS
            if (
                (options or name not in table)
                and faults_of_options is not None
                and f"search.{kind}" not in wrong
            ):
                path = ("search", f"{kind}_options" if options else kind)
                faults = faults_of_options(name, options)
                self.faults += [replace(fault, path=(*path, *fault.path)) for fault in faults]

    def unsure(self) -> set[str]:
        """Return method fields that a fault is about, and `section.key` of the faults of other sections."""
        names: set[str] = set()
        for fault in self.faults:
            names |= {str(key) for key in fault.path[1:] if key in self.reading.method.model_fields}
            names.add(".".join(str(key) for key in fault.path[:2]))
            if fault.nearest.partition(".")[0] == "space":  # There is something to search, elsewhere.
                names.add("space")
        return names

    def _validated(self, data: Any, model: type[Model], path: Path) -> Model | None:
        try:
            return model.model_validate(data, context=self.reading)
        except ValidationError as error:
            faults = faults_of(error, data, model, path, PLACES)
            if not isinstance(data, dict) and len(faults) == 1:
                faults = [replace(faults[0], nearest=self._value_of(path[0], data))]
            elif path == ("method",):
                faults = [self._searched(fault, data) for fault in faults]
            self.faults += faults
        return self._salvaged(data, model, [fault.path[len(path) :] for fault in faults])

    def _searched(self, fault: Fault, method: dict[Key, Any]) -> Fault:
        """Return the fault of a dimension under `method` with its place under `space`; others as they are."""
        if len(fault.path) != 2 or fault.path[1] not in method or fault.nearest:
            return fault
        return replace(fault, nearest=searched_form(fault.path[1], method[fault.path[1]], self.reading))

    def _value_of(self, section: Key, value: Any) -> str:
        """Return the key of which a section's only value is probably meant: W&B has `method: bayes`."""
        if isinstance(value, str) and (set_as := _set_as(value)):
            return set_as
        known = self.known or KnownNames()
        for key, names in (("search.sampler", known.samplers), ("method.prompt", known.prompts)):
            if (
                section in ("method", "search")
                and isinstance(value, str)
                and (near := meant_name(value, names))
            ):
                return f"{key}: {near}"
        first = FIRST_KEYS.get(str(section), "")
        return f"{section}.{first}: {shown(value)}" if first and isinstance(value, str | int) else ""

    def _salvaged(self, data: Any, model: type[Model], places: list[Path]) -> Model | None:
        """Return the section without the values at `places`, for the checks across sections."""
        rest = copy.deepcopy(data)
        for place in places:
            _remove(rest, place)
        try:
            return model.model_validate(rest, context=self.reading)
        except ValidationError:
            return None


def _set_as(text: str) -> str:
    """Return `lr=0.01`, as on a command line, as a line of the file: `method.lr: 0.01`; '' of other texts."""
    name, equals, value = text.partition("=")
    key = full_key(name.strip().lstrip("-"), SECTIONS) if equals else ""
    return f"{key}: {value.strip()}" if key and value.strip() else ""


def _remove(data: Any, place: Path) -> None:
    for key in place[:-1]:
        if isinstance(data, list):
            return
        data = data.get(key) if isinstance(data, dict) else None
    if place and isinstance(data, dict):
        data.pop(place[-1], None)
