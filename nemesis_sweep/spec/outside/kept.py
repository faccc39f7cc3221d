"""The modules beside a sweep file that it needs: what is sent with it, kept in its home, and compared."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.outside.beside import BESIDE
from nemesis_sweep.spec.outside.methods import outside_kinds
from nemesis_sweep.spec.outside.reference import is_reference
from nemesis_sweep.spec.pruners import innermost

if TYPE_CHECKING:
    from nemesis_sweep.spec.sweep import Sweep

LARGEST = 20 * 2**20
"""Bytes of all modules together: they are code, and data has its own place."""


@dataclass(frozen=True)
class OwnModules:
    """Files by their path below the folder that they were found in.

    trained: those that decide what a trial trains or is measured on; of the others (samplers, pruners) only
    what is tried depends.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    trained: frozenset[str] = frozenset()


def own_modules(sweep: Sweep) -> OwnModules:
    """Read the modules that a sweep needs and that lie beside its file. Raises ``UserError`` for too much."""
    trained = set(_files(_trained(sweep)))
    search = sweep.search
    paths = trained | set(
        _files((search.sampler, search.pruner, innermost(search.pruner, search.pruner_options)))
    )
    size = sum(path.stat().st_size for path in paths)
    if size > LARGEST:
        found, allowed = f"{size / 2**20:.0f} MiB", f"at most {LARGEST / 2**20:.0f} MiB; data lies elsewhere"
        raise UserError(
            Problem("the modules beside the sweep file are too large", found=found, allowed=allowed)
        )
    files = {BESIDE.relative(path): path.read_bytes() for path in sorted(paths)}
    return OwnModules(files, frozenset(map(BESIDE.relative, trained)))


def changed_modules(old: OwnModules, new: OwnModules) -> list[str]:
    """One line for every module that two sweeps have and that trains another thing in each."""
    names = sorted(old.trained & new.trained)
    return [f"{name}: its code" for name in names if not same_code(name, old.files[name], new.files[name])]


def same_code(name: str, one: bytes, other: bytes) -> bool:
    """Whether two texts of a file do the same: comments and empty lines aside."""
    if one == other or not name.endswith(".py"):
        return one == other
    try:
        return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))
    except (SyntaxError, ValueError, RecursionError):
        return False


def _trained(sweep: Sweep) -> Iterator[str]:
    parts = CrossSection(sweep.method, sweep.space)
    yield from (str(name) for field in ("prompt", "anneal") for name in parts.possible(field))
    yield from (*sweep.tasks.dataset, *sweep.tasks.targets)
    # An entry may name its class by its place, which no import shows.
    yield from (str(kind.learner) for _, kind in outside_kinds(sweep.method) if isinstance(kind.learner, str))


def _files(names: Iterable[str]) -> Iterator[Path]:
    for name in names:
        if is_reference(name):
            yield from BESIDE.files(name.partition(":")[0])
