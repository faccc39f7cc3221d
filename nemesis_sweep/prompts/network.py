"""Networks that are learnt in place of the vectors that they produce."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.prompts.learner import Learner
from nemesis_sweep.spec.method import Method
from nemesis_sweep.vlm.backbone import Backbone


def network_of(
    kind: type[Learner],
    backbone: Backbone,
    method: Method,
    classnames: Sequence[str],
    generators: Sequence[torch.Generator],
) -> nn.Module | None:
    """What ``kind.network`` gives, on the text tower's device; None where the tensors themselves are learnt.

    Raises ``UserError`` for what is no network of as many replicates as there are generators.
    """
    network = kind.network(backbone, method, classnames, generators)
    if network is None:
        return None
    name = f"{kind.__name__}.network"
    if not isinstance(network, nn.Module) or not list(network.parameters()):
        allowed = "a torch.nn.Module with parameters, or None"
        raise UserError(Problem(f"{name} gives no network", found=repr(network)[:80], allowed=allowed))
    _refuse_odd_parameters(name, network, len(generators))
    network.to(backbone.text.device)
    with torch.no_grad():
        _refuse_odd_tensors(name, network(), kind.tensors, len(generators))
    return network


def _refuse_odd_parameters(name: str, network: nn.Module, replicates: int) -> None:
    for own, parameter in network.named_parameters():
        if tuple(parameter.shape[:1]) != (replicates,) or parameter.dtype != torch.float32:
            found = f"{own} {tuple(parameter.shape)}, {parameter.dtype}"
            allowed = f"({replicates}, ...), fp32: axis 0 is the replicate"
            raise UserError(Problem(f"{name} has a parameter of another shape", found=found, allowed=allowed))


def _refuse_odd_tensors(name: str, given: Any, tensors: Sequence[str], replicates: int) -> None:
    shapes = {}
    if isinstance(given, Mapping):
        shapes = {own: tuple(getattr(value, "shape", ())) for own, value in given.items()}
    if set(shapes) != set(tensors) or any(shape[:1] != (replicates,) for shape in shapes.values()):
        found = ", ".join(f"{own} {shape}" for own, shape in shapes.items()) or repr(given)[:80]
        allowed = f"a mapping with {listed(tensors)}, ({replicates}, ...) each"
        raise UserError(
            Problem(f"{name} does not produce what `tensors` names", found=found, allowed=allowed)
        )
