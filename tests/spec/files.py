"""A small valid sweep file and how tests load variants of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nemesis_sweep.messages.errors import Problem, UserError, nearest
from nemesis_sweep.messages.faults import Fault, listed
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.names import KnownNames
from nemesis_sweep.spec.prompts import PROMPTS

VALID = """\
name: pan
tasks:
  dataset: [clipart]
  shots: [1, 4]
method:
  beta: 0
space:
  omega: {low: 0.1, high: 100, log: true}
  n_ctx: {choices: [4, 8, 16]}
search:
  sampler: tpe
budget: {trials: 20}
"""


def unknown(name: str, options: Mapping[str, Any], allowed: list[str]) -> list[Fault]:
    """Return a fault for every option that is not among the allowed ones."""
    return [
        Fault((option,), f"unknown option of {name}", "", listed(allowed), nearest(option, allowed))
        for option in options
        if option not in allowed
    ]


KNOWN = KnownNames(
    datasets=["clipart", "emoji", "digits"],
    backbones=["icon-clip", "RN50"],
    samplers=["tpe", "random", "cmaes", "grid"],
    pruners=["hyperband", "median", "wilcoxon", "none"],
    prompts=list(PROMPTS),
    backbone_problem=lambda name: None if "@" in name else Problem("unknown backbone", nearest="icon-clip"),
    sampler_options=lambda name, options: unknown(name, options, ["n_startup_trials", "gamma"]),
    pruner_options=lambda name, options: unknown(name, options, ["reduction_factor"]),
)


def write(folder: Path, text: str) -> Path:
    """Return a new sweep file of this text."""
    path = folder / "sweep.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(path: Path, *overrides: str) -> list[Problem]:
    """Return what is wrong with a file; fails the test if nothing is."""
    with pytest.raises(UserError) as caught:
        load_sweep(path, overrides, KNOWN)
    return caught.value.problems
