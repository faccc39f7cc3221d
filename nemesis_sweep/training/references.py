"""Reference rows that train no prompt, by the names under which `search.baselines` asks for them."""

from collections.abc import Callable, Mapping
from typing import Any

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.spec.outside.methods import all_kinds
from nemesis_sweep.spec.owned import applies
from nemesis_sweep.training.episode_features import EpisodeFeatures
from nemesis_sweep.training.linear_probe import linear_probe_metrics
from nemesis_sweep.training.training_run import Metrics
from nemesis_sweep.training.zero_shot import ensemble_metrics, zero_shot_metrics
from nemesis_sweep.vlm.backbone import Backbone

REFERENCES: dict[str, Callable[[Backbone, Dataset, EpisodeFeatures], Metrics]] = {
    "zero_shot": zero_shot_metrics,
    "zero_shot_ensemble": ensemble_metrics,
    "linear_probe": lambda backbone, dataset, features: linear_probe_metrics(features),
}

APPLYING = {
    "zero_shot": ("precision",),
    "zero_shot_ensemble": ("precision",),
    "linear_probe": ("precision", "views"),
}


def applying(baseline: str, method: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a method that have a part in a row: those of its kind, if it trains a prompt at all."""
    kinds = all_kinds(str(method.get("prompt", "coop")))
    names = APPLYING.get(baseline) or [name for name in method if applies(name, method, kinds)]
    return {name: value for name, value in method.items() if name in names}
