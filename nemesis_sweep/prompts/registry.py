"""From the name of a kind of prompt to its class."""

from importlib import import_module
from typing import TYPE_CHECKING

from nemesis_sweep.spec.errors import Problem, UserError, nearest
from nemesis_sweep.spec.faults import listed
from nemesis_sweep.spec.prompts import PROMPTS

if TYPE_CHECKING:
    from nemesis_sweep.prompts.learner import Learner


def learner_of(prompt: str) -> "type[Learner]":
    """The class of a kind of prompt. Raises ``UserError`` for a name that is none."""
    if prompt not in PROMPTS:
        names = list(PROMPTS)
        near = nearest(prompt, names)
        raise UserError(
            Problem("unknown prompt", key="prompt", found=repr(prompt), allowed=listed(names), nearest=near)
        )
    module, _, name = PROMPTS[prompt].learner.partition(":")
    found: type[Learner] = getattr(import_module(module), name)
    return found
