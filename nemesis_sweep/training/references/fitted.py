"""A reference in one call, without a sweep: for notebooks and scripts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError, nearest
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.spec.baselines import BASELINES
from nemesis_sweep.spec.kinds import ROWS, given_strengths
from nemesis_sweep.spec.outside.methods import read_method
from nemesis_sweep.spec.tasks import PUBLISHED, ValShots
from nemesis_sweep.training.arguments import (
    checked_seeds,
    checked_shots,
    checked_val_shots,
    found_backbone,
    found_dataset,
    refusal,
)
from nemesis_sweep.training.episode_features import episode_features
from nemesis_sweep.training.references.measured import measure
from nemesis_sweep.training.references.saved import KINDS, Reference, save_reference
from nemesis_sweep.training.training_run import Metrics, mean_of
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.devices import find_device


@dataclass(frozen=True, eq=False)
class ReferenceResult:
    """What :func:`fit_reference` ended with.

    metrics: one value a replicate for each name, such as ``test/accuracy`` (percent), and for what validation
    chose. reference: what :meth:`save` keeps. dataset, shots: what it was fitted to.
    """

    metrics: Metrics
    reference: Reference
    dataset: str
    shots: int

    def mean(self, name: str) -> float:
        """Mean of a metric over the replicates. Raises ``UserError`` for a name that was not measured."""
        return mean_of(self.metrics, name)

    def save(self, folder: Path | str) -> None:
        """Keep it in place of an earlier one in this folder; ``load_reference`` reads it again."""
        save_reference(folder, self.reference)

    def __repr__(self) -> str:
        """Two lines: what was fitted to what, and what came of it."""
        return (
            f"ReferenceResult({self.reference.kind}, {self.dataset}, {counted(self.shots, 'shot')}, "
            f"{self.reference.backbone}\n"
            f"  test/accuracy: {self.mean('test/accuracy'):.2f}, the mean over the seeds)"
        )


def fit_reference(
    kind: str,
    backbone: Backbone | str | Path,
    dataset: Dataset | str | Path,
    *,
    root: str | Path | None = None,
    shots: int = 16,
    seeds: Iterable[int] = (1, 2, 3),
    val_shots: ValShots = PUBLISHED,
    strengths: Mapping[str, Any] | None = None,
    views: int = 16,
    precision: str = "fp32",
    device: torch.device | str | None = None,
    report: SayLine | None = None,
) -> ReferenceResult:
    """Fit one of the rows without a prompt, once for each seed, and measure it on val and test.

    kind: its name in `search.baselines`, such as `tip_adapter`. views: augmented views of every training
    image; those that are published with centre crops take these. precision: of the backbone's towers.
    strengths: fields of the kind by name, such as `{"residual_alpha": 0.5}`; those that are left out are
    chosen on the validation images. The rest as in :func:`fit`.

    Raises UserError, before anything is encoded, for an argument that cannot be used.
    """
    if kind not in KINDS:
        near = nearest(kind, KINDS) if isinstance(kind, str) else ""
        message = "not a row that is fitted without a prompt"
        raise UserError(
            Problem(message, key="kind", found=repr(kind), allowed=listed(list(KINDS)), nearest=near)
        )
    shots, distinct, val_shots = checked_shots(shots), checked_seeds(seeds), checked_val_shots(val_shots)
    settings = {"prompt": kind, "precision": precision, "views": views, **BASELINES[kind].fixed}
    method = read_method({**settings, **_checked_strengths(kind, strengths)})
    place = None if device is None else find_device(device)
    data = found_dataset(dataset, root)
    model = found_backbone(backbone).to(precision=method.precision, device=place)
    count = method.epochs if method.views == "epochs" else int(method.views)
    features = episode_features(data, model, shots, distinct, count, report, val_shots)
    measured = measure(kind, model, data, features, given_strengths(method.model_dump()))
    reference = reference_of(kind, model, data, distinct, method.precision, measured.values)
    return ReferenceResult(measured.metrics, reference, data.name, shots)


def _checked_strengths(kind: str, given: Any) -> Mapping[str, Any]:
    """Fields of a kind by name. Raises ``UserError`` for what is no mapping, and for fields of others."""
    own = ROWS[kind].fields.model_fields
    allowed = f"its own fields: {listed(list(own))}" if own else "None: it has no strengths"
    if given is not None and (not isinstance(given, Mapping) or set(given) - set(own)):
        raise refusal("strengths", f"not fields of {kind}", given, allowed)
    return given or {}


def reference_of(
    kind: str,
    backbone: Backbone,
    dataset: Dataset,
    seeds: Sequence[int],
    precision: str,
    values: Mapping[str, Tensor],
) -> Reference:
    """What a row has learnt, to be kept."""
    return Reference(
        kind=kind,
        tensors={name: value.cpu() for name, value in values.items()},
        backbone=backbone.name,
        fingerprint=backbone.fingerprint,
        classnames=list(dataset.classnames),
        seeds=list(seeds),
        precision=precision,
        template=dataset.template,
        logit_scale=backbone.chosen_scale,
    )
