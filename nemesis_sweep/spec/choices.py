"""Names that fields of the method take, each typed once: of annealings, selections, norms and others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True)
class Annealing:
    """How the weight of the penalty changes: a function of the epoch, from 0, of all epochs, and of the
    method's fields ``names``, which are its own. steered: by what is measured; the factory is then a class
    of ``nemesis.annealings.steered.Steered``, made with those fields."""

    factory: Any
    about: str
    names: tuple[str, ...] = ()
    steered: bool = False


@dataclass(frozen=True)
class Selection:
    """Which of the positions that PAN drew are penalised. corrupts: whether it has to test each of them."""

    factory: Any
    about: str
    corrupts: bool


ANNEALINGS: dict[str, Annealing] = {
    "logistic": Annealing(
        "nemesis_sweep.nemesis.annealings.logistic:logistic",
        "falls from 1 to 0, one half in the middle epoch",
        ("anneal_slope",),
    ),
    "constant": Annealing("nemesis_sweep.nemesis.annealings.constant:constant", "1 throughout"),
    "linear": Annealing(
        "nemesis_sweep.nemesis.annealings.linear:linear", "a line from 1 to its end", ("anneal_end",)
    ),
    "cosine": Annealing(
        "nemesis_sweep.nemesis.annealings.cosine:cosine", "half a cosine from 1 to its end", ("anneal_end",)
    ),
    "warmup": Annealing(
        "nemesis_sweep.nemesis.annealings.warmup:warmup",
        "rises to 1, then falls to its end as cosine",
        ("anneal_rise", "anneal_end"),
    ),
    "step": Annealing(
        "nemesis_sweep.nemesis.annealings.step:step",
        "1, and its end from some epoch on",
        ("anneal_after", "anneal_end"),
    ),
    "hold_norm": Annealing(
        "nemesis_sweep.nemesis.annealings.hold_norm:HoldNorm",
        "holds the mean norm at a share of the first",
        ("anneal_target", "anneal_gain"),
        steered=True,
    ),
    "overfit": Annealing(
        "nemesis_sweep.nemesis.annealings.overfit:Overfit",
        "rises when validation falls while norms grow",
        ("anneal_factor",),
        steered=True,
    ),
}
ANNEAL_FIELDS = frozenset(name for each in ANNEALINGS.values() for name in each.names)
"""Fields of the method that some annealing has for its own."""
SELECTIONS: dict[str, Selection] = {
    "accuracy": Selection(
        "nemesis_sweep.nemesis.selection:by_accuracy", "those whose corruption helps", corrupts=True
    ),
    "random": Selection(
        "nemesis_sweep.nemesis.selection:at_random", "all of them, the control", corrupts=False
    ),
}
CORRUPTIONS: dict[str, tuple[float, ...]] = {
    "rescale": (0.001, 0.01, 0.1, 0.5, 0.9, 1.1, 1.5, 2.0),
    "replace": (0.0, 0.0001, 0.001, 0.01, 0.1, 0.5),
}
"""What is done to a vector to see whether it is needed, each with the paper's strengths: factors, and
deviations of the noise."""
RESCALE, REPLACE = CORRUPTIONS
NORMS: dict[str, float] = {"1": 1.0, "2": 2.0, "inf": float("inf"), "relative": 2.0}
"""p of each norm; `relative` is divided by what is usual in the tower at that place."""
REDUCTIONS = ("mean", "reference")
"""Over the classes that have contexts of their own."""
PENALISED = ("base", "shifted")
"""Of CoCoOp, whose vectors' norms are penalised."""
TRANSPORT_STOPS = ("fixed", "reference")
"""Of PLOT, when the matching ends."""
PROMPT_ENCODERS = ("lstm", "mlp")
"""Of P-tuning, what produces the vectors."""
AVERAGES = ("none", "gaussian")
"""Over the epochs, of what is learnt."""
PRECISIONS = ("fp32", "bf16", "fp16")
"""The one that takes the most memory first."""
CLASS_POSITIONS = ("end", "middle", "front")
"""The more of the text is shared between classes, the earlier: the last takes the most memory."""


@dataclass(frozen=True)
class Protocol:
    """What is learnt, and what is tested beside it.

    split: `module:name` of the function that divides a task's data (``data.protocols.Split``), or the
    function. learnt: what the accuracy on the learnt classes' own test images is called where others are
    tested too; '' where not. summary: what `test/accuracy` then is, of that accuracy and the others'.
    """

    split: Any
    learnt: str = ""
    summary: Any = None


PROTOCOLS: dict[str, Protocol] = {
    "few_shot": Protocol("nemesis_sweep.data.protocols:few_shot"),
    "base_to_new": Protocol(
        "nemesis_sweep.data.protocols:base_to_new", "base", "nemesis_sweep.training.transfer:harmonic"
    ),
    "domain_generalization": Protocol(
        "nemesis_sweep.data.protocols:domain_generalization",
        "source",
        "nemesis_sweep.training.transfer:average",
    ),
}


@dataclass(frozen=True)
class OneOf:
    """Marks a field of text that holds one of some names, as `Literal` does of names that are typed out."""

    names: Iterable[str]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.literal_schema(list(self.names))
