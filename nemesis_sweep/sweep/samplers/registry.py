"""Samplers by the names that a sweep file uses, made of the entries of ``spec.samplers``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nemesis_sweep.messages.faults import Fault, refuse
from nemesis_sweep.spec.dimensions import Space
from nemesis_sweep.spec.draw import Point
from nemesis_sweep.spec.outside.reference import refused
from nemesis_sweep.spec.part import part_at
from nemesis_sweep.spec.samplers import SAMPLERS, Sampler, sampler_of
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.offered import offered, refuse_other
from nemesis_sweep.sweep.options import option_faults, settable, under

if TYPE_CHECKING:
    import optuna

OURS = ("seed", "space", "points")
"""Arguments that the sweep decides: `search.seed` and `space`."""


MARK = "True, False"


def build_sampler(
    name: str, options: Values, seed: int, space: Space | None = None, points: Sequence[Point] = ()
) -> "optuna.samplers.BaseSampler":
    """The sampler with our defaults, the user's options over them, and the given seed.

    space, points: for samplers that go through all points of a space. The options are not looked at: see
    :func:`refuse_options`.
    """
    return _make(sampler_of(name), options, {"seed": seed, "space": space or {}, "points": points})


def refuse_options(name: str, options: Values) -> None:
    """Raise ``UserError`` for options that a sampler's class does not have or does not take."""
    refuse(under(("search", "sampler_options"), sampler_faults(name, options)))


def sampler_faults(name: str, options: Values) -> list[Fault]:
    """What is wrong with a sampler's options, each at the key of the option."""
    entry = sampler_of(name)
    ours = {"seed": 0, "space": {}, "points": ()}
    allowed = settable(part_at(entry.factory), reserved=OURS)
    return option_faults(
        lambda **given: _make(entry, given, ours), allowed, options, name, always=name not in SAMPLERS
    )


def refuse_no_sampler(name: str) -> None:
    """Raise ``UserError`` where there is nothing at `module:Name` that makes a sampler."""
    import optuna

    sampler = sampler_of(name)
    refuse_other(name, sampler.factory, optuna.samplers.BaseSampler)
    for mark in ("several_objectives", "metric_constraints", "finite"):
        if not isinstance(getattr(sampler, mark), bool):
            raise refused(
                name, f"has a `{mark}` that is neither true nor false", getattr(sampler, mark), MARK
            )
    if type(sampler.asked) is not int or sampler.asked < 1:
        raise refused(name, "has an `asked` that is no number of times", sampler.asked, "a whole number >= 1")


def _make(entry: Sampler, options: Values, ours: Values) -> "optuna.samplers.BaseSampler":
    factory = part_at(entry.factory)
    sampler: optuna.samplers.BaseSampler = factory(**{**entry.defaults, **options, **offered(factory, ours)})
    return sampler
