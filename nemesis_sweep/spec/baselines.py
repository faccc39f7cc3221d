"""The baselines: rows that stand beside what a sweep finds. Nothing here imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from nemesis_sweep.spec.strengths import (
    AdapterStrengths,
    CacheStrengths,
    ProbeStrengths,
    ResidualStrengths,
    Strengths,
    TrainedCacheStrengths,
)
from nemesis_sweep.spec.values import Values

COOP, PAPER, CONTROL, CONTROLS = "coop", "paper", "control", "controls"
"""Those that train a prompt: each has a method of its own making (`sweep.space`, `sweep.control`)."""

CONFIRM = "confirm"
"""What those of the best are called that `search.confirm` trains again; not a row that can be asked for."""


@dataclass(frozen=True)
class Baseline:
    """One row.

    label: its name in tables. about: what it is, in a line. short: what it is called where it is the best.
    measure: `module:name` of the function that measures it, a ``training.references.measured.Measure``, or
    the function; None for a row that trains a prompt, as trials do. classifier: of a row that learns without
    a prompt, the ``ReferenceClassifier`` of what it leaves, named the same way.
    learns: whether it depends on the images of the few shots. transfers: whether it can be tested with class
    names that it has not learnt. fields: of the method, those that change it, of one that trains no prompt.
    fixed: fields of the method that it has its own values for. strengths: of one that is also a kind of
    `method.prompt`, the fields that it then has. templates: where it puts class names into
    sentences, `module:name` of those beside the dataset's own; '' where it does not.
    usual: whether a sweep has it that does not say otherwise. last: whether it is made of the best found, so
    that what it trains is known only when everything else is over.
    """

    label: str
    about: str
    short: str = ""
    measure: Any = None
    classifier: Any = None
    learns: bool = True
    transfers: bool = True
    fields: tuple[str, ...] = ()
    fixed: Values = field(default_factory=dict)
    strengths: type[Strengths] | None = None
    templates: str = ""
    usual: bool = False
    last: bool = False

    @property
    def trains(self) -> bool:
        """Whether it trains a prompt; what does not is in every table and never what a sweep found."""
        return self.measure is None

    @property
    def chooses(self) -> bool:
        """Whether it sets own strengths on the validation images, as whatever learns no prompt does."""
        return self.learns and not self.trains


BASELINES: dict[str, Baseline] = {
    "zero_shot": Baseline(
        "zero-shot",
        "the dataset's own template in the place of learnt vectors",
        measure="nemesis_sweep.training.references.zero_shot:zero_shot",
        learns=False,
        fields=("precision",),
        templates="nemesis_sweep.data.templates:OWN",
        usual=True,
    ),
    "zero_shot_ensemble": Baseline(
        "zero-shot, ensemble",
        "several templates, averaged",
        measure="nemesis_sweep.training.references.zero_shot:zero_shot_ensemble",
        learns=False,
        fields=("precision",),
        templates="nemesis_sweep.data.templates:ENSEMBLE",
    ),
    "linear_probe": Baseline(
        "linear probe",
        "logistic regression on the features of the same images",
        measure="nemesis_sweep.training.references.linear_probe:linear_probe",
        classifier="nemesis_sweep.training.references.linear_probe:LinearProbe",
        transfers=False,
        fields=("precision", "views"),
        # Trained on centre crops, as it is published.
        fixed={"views": 1},
        strengths=ProbeStrengths,
    ),
    "lp_plus_plus": Baseline(
        "LP++",
        "a linear probe that also weighs the zero-shot classifier (Huang et al., 2024)",
        measure="nemesis_sweep.training.references.lp_plus_plus:lp_plus_plus",
        classifier="nemesis_sweep.training.references.lp_plus_plus:LPPlusPlus",
        transfers=False,
        fields=("precision", "views"),
        # One feature an image, as it is published.
        fixed={"views": 1},
        strengths=Strengths,
    ),
    "tip_adapter": Baseline(
        "Tip-Adapter",
        "the few shots as a cache beside zero-shot, nothing trained (Zhang et al., 2022)",
        measure="nemesis_sweep.training.references.tip_adapter:tip_adapter",
        classifier="nemesis_sweep.training.references.tip_adapter:TipAdapter",
        transfers=False,
        fields=("precision", "views"),
        strengths=CacheStrengths,
    ),
    "tip_adapter_f": Baseline(
        "Tip-Adapter-F",
        "Tip-Adapter with its keys trained (Zhang et al., 2022)",
        measure="nemesis_sweep.training.references.tip_adapter_f:tip_adapter_f",
        classifier="nemesis_sweep.training.references.tip_adapter:TipAdapter",
        transfers=False,
        fields=("precision", "views"),
        strengths=TrainedCacheStrengths,
    ),
    "clip_adapter": Baseline(
        "CLIP-Adapter",
        "a small network behind the image tower (Gao et al., 2024)",
        measure="nemesis_sweep.training.references.clip_adapter:clip_adapter",
        classifier="nemesis_sweep.training.references.clip_adapter:ClipAdapter",
        fields=("precision", "views"),
        strengths=AdapterStrengths,
    ),
    "taskres": Baseline(
        "TaskRes",
        "a residual on the text feature of every class (Yu et al., 2023)",
        measure="nemesis_sweep.training.references.taskres:taskres",
        classifier="nemesis_sweep.training.references.taskres:TaskRes",
        transfers=False,
        fields=("precision", "views"),
        strengths=ResidualStrengths,
    ),
    COOP: Baseline("plain CoOp", "no penalty, 16 vectors where the length is searched", "CoOp", usual=True),
    PAPER: Baseline("paper's setting", "what the paper trains, where it is searched", "paper", usual=True),
    CONTROL: Baseline(
        "the same, omega 0", "the best found once more, without its penalty", "without penalty",
        usual=True, last=True,
    ),
    CONTROLS: Baseline(
        "each best, omega 0", "the best of every kind and loss once more, without its penalty",
        "without penalty", last=True,
    ),
}  # fmt: skip
"""By the names under which `search.baselines` asks for them, in the order of tables."""

PROMPTLESS = tuple(name for name, row in BASELINES.items() if not row.trains)
"""Those that train no prompt."""


def trains_prompt(name: str | None) -> bool:
    """Whether a prompt is trained: by a baseline of that name, or by any trial of another name or number."""
    row = BASELINES.get(name or "")
    return row is None or row.trains


def known_before(names: Iterable[str]) -> list[str]:
    """Those of some baselines that train a prompt and whose method is known before the first trial."""
    return [name for name in names if BASELINES[name].trains and not BASELINES[name].last]


def order(name: str | None) -> int:
    """The place of a baseline among those that are known before the first trial; behind them for all else."""
    known = [each for each, row in BASELINES.items() if not row.last]
    return known.index(name) if name in known else len(known)
