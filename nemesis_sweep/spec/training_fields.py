"""Fields of a method that say how its prompt is trained, whatever its kind."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from nemesis_sweep.spec.choices import CORRUPTIONS, NORMS, REDUCTIONS, RESCALE, SELECTIONS, OneOf
from nemesis_sweep.spec.fields import Count, Real, Section
from nemesis_sweep.spec.names import AnnealingName
from nemesis_sweep.spec.optimisers import OPTIMISERS


def _norm(value: Any) -> Any:
    # YAML reads `norm: 2` as a number.
    return str(value) if type(value) is int and value in (1, 2) else value


class TrainingFields(Section):
    """The penalty, and how the loss is minimised.

    omega: strength of the penalty. beta: 1 is PUN only, 0 is PAN only. norm: p of the norms.
    anneal: how the penalty's weight changes over the epochs: a name of ``spec.choices.ANNEALINGS``, or a
    function of your own. anneal_slope: how fast logistic falls, in 1 over epochs. anneal_end: the last
    weight, 1 being the first. anneal_rise: share of the epochs in which warmup rises. anneal_after: share of
    the epochs after which step steps. anneal_target: share of the first mean norm that hold_norm holds;
    anneal_gain: how fast. anneal_factor: what overfit multiplies the weight with.
    corruption: factor tau by which PAN's pre-inference scales a context vector, or, with corrupt_by: replace,
    the standard deviation of the noise that it puts in the vector's place.
    n_positions: context vectors drawn per step by PAN. selection: keep those whose corruption helps
    (accuracy) or all of them (random, the control). reduction: mean over classes under csc, or the
    published sum (reference).
    optimiser: sgd with momentum, adam, or adamw; the first two add weight decay to the gradient.
    adam_beta1, adam_beta2: how slowly the means of gradients and their squares change; adam_eps: added to the
    root.
    """

    omega: Annotated[Real, Field(ge=0)] = 0.0
    beta: Annotated[Real, Field(ge=0, le=1)] = 1.0
    norm: Annotated[str, OneOf(NORMS), BeforeValidator(_norm)] = "2"
    anneal: AnnealingName = "logistic"
    anneal_slope: Annotated[Real, Field(gt=0)] = 0.2
    anneal_end: Annotated[Real, Field(ge=0)] = 0.0
    anneal_rise: Annotated[Real, Field(ge=0, lt=1)] = 0.2
    anneal_after: Annotated[Real, Field(ge=0, le=1)] = 0.5
    anneal_target: Annotated[Real, Field(gt=0)] = 1.0
    anneal_gain: Annotated[Real, Field(gt=0)] = 1.0
    anneal_factor: Annotated[Real, Field(gt=1)] = 2.0
    corruption: Annotated[Real, Field(ge=0)] = 0.5
    corrupt_by: Annotated[str, OneOf(CORRUPTIONS)] = RESCALE
    n_positions: Count = 1
    selection: Annotated[str, OneOf(SELECTIONS)] = "accuracy"
    reduction: Annotated[str, OneOf(REDUCTIONS)] = "mean"
    epochs: Count = 50
    lr: Annotated[Real, Field(gt=0)] = 0.002
    optimiser: Annotated[str, OneOf(OPTIMISERS)] = "sgd"
    momentum: Annotated[Real, Field(ge=0, lt=1)] = 0.9
    adam_beta1: Annotated[Real, Field(ge=0, lt=1)] = 0.9
    adam_beta2: Annotated[Real, Field(ge=0, lt=1)] = 0.999
    adam_eps: Annotated[Real, Field(gt=0)] = 1e-8
    weight_decay: Annotated[Real, Field(ge=0)] = 5e-4
    batch: Count = 32
