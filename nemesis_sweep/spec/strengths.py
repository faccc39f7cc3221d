"""Strengths of the rows without a prompt: fields of the method where a row is a kind of `method.prompt`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from nemesis_sweep.spec.fields import Real, Section

Strength = Annotated[Real, Field(gt=0)] | None
"""None: chosen on the validation images."""


class Strengths(Section):
    """Base of the strengths of a row; here none."""


class HeadStrengths(Strengths):
    """head_lr: learning rate of what is trained on features."""

    head_lr: Strength = None


class CacheStrengths(Strengths):
    """cache_alpha: weight of the few shots beside zero-shot. cache_beta: how sharply they are compared."""

    cache_alpha: Strength = None
    cache_beta: Strength = None


class TrainedCacheStrengths(CacheStrengths, HeadStrengths):
    """Those of a cache whose keys are trained."""


class AdapterStrengths(HeadStrengths):
    """adapter_ratio: share of the adapted feature, the image's own has the rest."""

    adapter_ratio: Annotated[Real, Field(ge=0, le=1)] | None = None


class ResidualStrengths(HeadStrengths):
    """residual_alpha: weight of the residual beside a class's text feature."""

    residual_alpha: Strength = None


class ProbeStrengths(Strengths):
    """probe_c: C, the inverse of the strength of the L2 penalty."""

    probe_c: Strength = None


class AllStrengths(TrainedCacheStrengths, AdapterStrengths, ResidualStrengths, ProbeStrengths):
    """The strengths of all rows side by side."""
