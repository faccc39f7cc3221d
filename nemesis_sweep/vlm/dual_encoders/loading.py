"""A dual encoder of transformers from its files: its own class, filled with weights that are read here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.spec.part import part_at
from nemesis_sweep.vlm.dual_encoders.described import family_of
from nemesis_sweep.vlm.dual_encoders.families import LOGIT_BIAS, Family
from nemesis_sweep.vlm.dual_encoders.parts import Parts
from nemesis_sweep.vlm.usable_config import usable
from nemesis_sweep.vlm.vocabulary import require_transformers
from nemesis_sweep.vlm.weights import read_weights

UNUSABLE = "transformers cannot use this configuration"
SHOWN = 4
"""Names of weights that are shown."""


def load_parts(config: Path, weights: Path) -> Parts:
    """Both towers (fp32, CPU, frozen) of a `config.json` and a safetensors file.

    Raises UserError for a configuration that transformers cannot use, and for weights that are unreadable,
    of another architecture, or without something that the towers need.
    """
    family = family_of(config)
    require_transformers(f"a model of {family.title}")
    state = read_weights(weights)
    with quiet():
        model, missing = _filled(family, config, state, weights)
    parts = taken_apart(family, model)
    used = {
        id(each) for part in (parts.text, parts.image) for each in part.state_dict(keep_vars=True).values()
    }
    needed = [name for name, each in model.state_dict(keep_vars=True).items() if id(each) in used]
    numbers = [name for name in (family.scale, LOGIT_BIAS) if name]
    lacking = [name for name in (*needed, *numbers) if name in missing]
    if lacking:
        more = f" and {len(lacking) - SHOWN} more" * (len(lacking) > SHOWN)
        message = f"the weights lack what {family.model_class} needs"
        found = f"{weights}: no {listed(lacking[:SHOWN])}{more}"
        raise UserError(Problem(message, found=found, allowed=f"weights of {family.model_class}"))
    return parts


def taken_apart(family: Family, model: nn.Module) -> Parts:
    """The parts of a model of transformers, frozen and in eval mode, shared with it."""
    take: Callable[[nn.Module], Parts] = part_at(family.parts)
    return take(model.requires_grad_(False).eval())


def _filled(
    family: Family, config: Path, state: Mapping[str, Tensor], weights: Path
) -> tuple[nn.Module, set[str]]:
    """The model, and the names of its weights that are missing."""
    kind, read = read_class(family, config)
    # New weights, which the state overwrites, are drawn from torch's global generator: it stays as it is.
    with usable(config, UNUSABLE), torch.random.fork_rng(devices=[]):
        model, told = kind.from_pretrained(
            None,
            config=read,
            state_dict=dict(state),
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    if told["mismatched_keys"]:
        name, found, wanted = sorted(told["mismatched_keys"])[0]
        shown = f"{weights}: {name} is {tuple(found)} and not {tuple(wanted)}"
        raise UserError(Problem("the weights do not fit the architecture", found=shown))
    more = sorted(name for name in told["unexpected_keys"] if _is_of_a_further_block(model, name))
    if more:
        message = "the weights have more blocks than the configuration says"
        raise UserError(Problem(message, file=str(config), found=f"{weights}: {more[0]}"))
    return model, set(told["missing_keys"])


def _is_of_a_further_block(model: nn.Module, name: str) -> bool:
    """Whether a weight that a model has no place for belongs behind the last one of its blocks."""
    parts = name.split(".")
    modules = dict(model.named_modules())
    behind = (modules.get(".".join(parts[:at])) for at, part in enumerate(parts) if part.isdigit())
    return any(isinstance(each, nn.ModuleList) for each in behind)


def read_class(family: Family, config: Path) -> tuple[Any, Any]:
    """transformers' class of a family, and its configuration. Raises UserError for one that is of no use."""
    import transformers

    kind: Any = getattr(transformers, family.model_class)
    with usable(config, UNUSABLE):
        return kind, kind.config_class.from_pretrained(config.parent, local_files_only=True)


@contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' own report and meter: what is wrong is told here, in one line."""
    from transformers.utils import logging

    before, meters = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if meters:
            logging.enable_progress_bar()
