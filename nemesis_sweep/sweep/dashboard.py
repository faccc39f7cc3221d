"""What readers of Optuna's storage are shown: names of the objectives, and baselines beside the proposals.

The baselines are in a study of their own (`sweep/study.py` says why). Whoever looks at the proposals alone,
as in optuna-dashboard, finds what they have to beat among the study's user attributes.
"""

import math
from collections.abc import Iterable, Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.sweep.proposal import BASELINE


def name_objectives(study: optuna.Study, objectives: Sequence[str]) -> None:
    """Name the values of a study's trials; one that has these names is not written to."""
    if study.metric_names != list(objectives):
        study.set_metric_names(list(objectives))


def show_baselines(study: optuna.Study, baselines: Iterable[FrozenTrial], objectives: Sequence[str]) -> None:
    """Keep what the complete baselines reached as attributes of the study, `coop val/accuracy`: 48.3.

    What is there already is not written again. A row that trains no prompt has no value by some objectives.
    """
    known = study.user_attrs
    for trial in baselines:
        if trial.state != TrialState.COMPLETE:
            continue
        for metric, value in zip(objectives, trial.values, strict=True):
            name = f"{trial.user_attrs[BASELINE]} {metric}"
            if math.isfinite(value) and known.get(name) != value:
                study.set_user_attr(name, value)
