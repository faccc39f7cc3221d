"""Names that fields of the method take, each typed once: of annealings, selections, norms and others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True)
class Annealing:
    """How the weight of the penalty changes: a function of the epoch, from 0, and of all epochs."""

    factory: Any
    about: str


@dataclass(frozen=True)
class Selection:
    """Which of the positions that PAN drew are penalised. corrupts: whether it has to test each of them."""

    factory: Any
    about: str
    corrupts: bool


ANNEALINGS: dict[str, Annealing] = {
    "logistic": Annealing(
        "nemesis_sweep.nemesis.annealing:logistic", "falls from 1 to 0, one half in the middle epoch"
    ),
    "constant": Annealing("nemesis_sweep.nemesis.annealing:constant", "1 throughout"),
}
SELECTIONS: dict[str, Selection] = {
    "accuracy": Selection(
        "nemesis_sweep.nemesis.selection:by_accuracy", "those whose corruption helps", corrupts=True
    ),
    "random": Selection(
        "nemesis_sweep.nemesis.selection:at_random", "all of them, the control", corrupts=False
    ),
}
NORMS: dict[str, float] = {"1": 1.0, "2": 2.0, "inf": float("inf")}
"""p of each norm."""
REDUCTIONS = ("mean", "reference")
PRECISIONS = ("fp32", "bf16", "fp16")
"""The one that takes the most memory first."""
CLASS_POSITIONS = ("end", "middle", "front")
"""The more of the text is shared between classes, the earlier: the last takes the most memory."""


@dataclass(frozen=True)
class OneOf:
    """Marks a field of text that holds one of some names, as `Literal` does of names that are typed out."""

    names: Iterable[str]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.literal_schema(list(self.names))
