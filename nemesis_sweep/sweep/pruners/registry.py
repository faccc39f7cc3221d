"""Pruners by the names that a sweep file uses, made of the entries of ``spec.pruners``."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nemesis_sweep.messages.errors import nearest
from nemesis_sweep.messages.faults import Fault, listed, refuse, shown
from nemesis_sweep.spec.outside.reference import outside
from nemesis_sweep.spec.part import part_at
from nemesis_sweep.spec.pruners import PRUNERS, WRAPPED, innermost, pruner_of
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.offered import offered, refuse_other
from nemesis_sweep.sweep.options import option_faults, settable, under

if TYPE_CHECKING:
    import optuna

OURS = ("first_epoch", "epochs")
"""Arguments that the sweep decides, from `method.epochs` and `search.eval_every`."""


def build_pruner(name: str, options: Values, epochs: int, eval_every: int) -> "optuna.pruners.BasePruner":
    """The pruner with defaults that fit trials of ``epochs`` epochs, measured every ``eval_every``.

    One that wraps another (`patient`) has that one's defaults inside.
    Raises ``UserError`` for options that its class does not have or does not take.
    """
    refuse(under(("search", "pruner_options"), pruner_faults(name, options, epochs, eval_every)))
    return _maker(name, epochs, eval_every)(**options)


def pruner_faults(name: str, options: Values, epochs: int = 50, eval_every: int = 5) -> list[Fault]:
    """What is wrong with a pruner's options, each at the key of the option."""
    entry = pruner_of(name)
    allowed = settable(part_at(entry.factory), reserved=OURS)
    if entry.wraps:
        allowed = {WRAPPED: ("str",), **allowed}
        inner = options.get(WRAPPED, "none")
        names = [each for each, other in PRUNERS.items() if not other.wraps]
        if isinstance(inner, str) and inner not in names and not outside(inner, "pruners"):
            return [Fault((WRAPPED,), "unknown pruner", shown(inner), listed(names), nearest(inner, names))]
    return option_faults(_maker(name, epochs, eval_every), allowed, options, name, always=name not in PRUNERS)


def refuse_no_pruner(name: str) -> None:
    """Raise ``UserError`` where there is nothing at `module:Name` that makes a pruner."""
    import optuna

    refuse_other(name, pruner_of(name).factory, optuna.pruners.BasePruner)


def needs_replicates(name: str, options: Values) -> bool:
    """Whether the pruner compares replicates one by one, so that their values have to be kept."""
    return pruner_of(innermost(name, options)).replicates(options) > 0


def _maker(name: str, epochs: int, eval_every: int) -> "Callable[..., optuna.pruners.BasePruner]":
    """What builds the pruner from the user's options.

    The first judgement comes after a fifth of the epochs, when the warm-up is over.
    """
    entry = pruner_of(name)
    factory = part_at(entry.factory)
    first = max(eval_every, epochs // 5)

    def make(**options: Any) -> "optuna.pruners.BasePruner":
        values = {**entry.defaults(first, epochs), **options}
        values |= offered(factory, {"first_epoch": first, "epochs": epochs})
        if entry.wraps:
            inner = values.pop(WRAPPED)
            values[entry.wraps] = _maker(inner, epochs, eval_every)() if pruner_of(inner).stops else None
        pruner: optuna.pruners.BasePruner = factory(**values)
        return pruner

    return make
