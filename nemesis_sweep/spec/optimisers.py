"""The optimisers: torch's class of each, and which fields of the method are its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nemesis_sweep.spec.values import Values


@dataclass(frozen=True)
class Optimiser:
    """One optimiser.

    factory: its class as `module:Name`; parameters may stand side by side in one tensor, so it has to treat
    every number by itself. names: the method's fields that are its own. arguments: from the method's fields
    to what the class takes beside parameters, ``lr`` and ``weight_decay``.
    """

    factory: str
    names: tuple[str, ...]
    arguments: Callable[[Values], dict[str, Any]]


def _of_sgd(method: Values) -> dict[str, Any]:
    return {"momentum": method["momentum"]}


def _of_adam(method: Values) -> dict[str, Any]:
    return {"betas": (method["adam_beta1"], method["adam_beta2"]), "eps": method["adam_eps"]}


ADAM = ("adam_beta1", "adam_beta2", "adam_eps")
OPTIMISERS: dict[str, Optimiser] = {
    "sgd": Optimiser("torch.optim:SGD", ("momentum",), _of_sgd),
    "adam": Optimiser("torch.optim:Adam", ADAM, _of_adam),
    "adamw": Optimiser("torch.optim:AdamW", ADAM, _of_adam),
}
