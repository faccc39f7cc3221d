"""The numbers of trials beside the space: the name of a baseline, or what is made of another trial."""

from __future__ import annotations

from nemesis_sweep.spec.baselines import CONFIRM, CONTROL, trains_prompt

_MADE_OF = {f"{name}-of-": name for name in (CONFIRM, CONTROL)}


def control_of(number: str) -> str:
    """The number of the control of a trial."""
    return f"{CONTROL}-of-{number}"


def confirmation_of(number: str) -> str:
    """The number of the trial that has the setting of another one, and fresh seeds."""
    return f"{CONFIRM}-of-{number}"


def baseline_of(number: str) -> str:
    """The baseline that a trial beside the space is, by its number."""
    return next((name for mark, name in _MADE_OF.items() if number.startswith(mark)), number)


def original_of(number: str) -> str:
    """The number of the trial that a control or a confirmation is of."""
    return number.removeprefix(f"{baseline_of(number)}-of-")


def may_be_best(name: str) -> bool:
    """Whether a trial of this number, or this baseline, may be what a study found.

    What trains no prompt is not, and of a setting on fresh seeds only the difference from before counts.
    """
    return trains_prompt(name) and baseline_of(name) != CONFIRM
