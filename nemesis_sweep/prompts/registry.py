"""From the name of a kind of prompt to its class, checked where it is from outside."""

from functools import cache
from inspect import Parameter, isabstract, signature
from typing import TYPE_CHECKING, Any

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.spec.outside.kinds import kind_of
from nemesis_sweep.spec.outside.reference import load, refused
from nemesis_sweep.spec.part import part_at
from nemesis_sweep.spec.prompts import PROMPTS

if TYPE_CHECKING:
    from nemesis_sweep.prompts.learner import Learner

CALLS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "__init__": (("backbone", "method", "classnames", "values", "template"), ()),
    "start": (("backbone", "method", "classnames", "generators"), ()),
    "network": (("backbone", "method", "classnames", "generators"), ()),
    "classifier": ((), ("variants",)),
    "penalised": (("images",), ()),
    "regulariser": (("classifier", "images", "logits"), ()),
}
"""How a learner's methods are called: arguments by place, and by name."""
CLASS_METHODS = ("start", "network")
OWN = ("backbone", "method", "classnames", "template", "training")
"""What every learner keeps under these names."""


def learner_of(prompt: str) -> "type[Learner]":
    """The class of a kind of prompt.

    Raises ``UserError`` for a name that is none, for a row without a prompt, and for a class from outside
    that is no learner.
    """
    kind = kind_of(prompt)
    if not kind.trains:
        allowed = f"{listed(list(PROMPTS))}; ns.fit_reference({prompt!r}, ...) fits it"
        raise UserError(Problem("a row without a prompt", "prompt", found=repr(prompt), allowed=allowed))
    if prompt in PROMPTS:
        own: type[Learner] = part_at(kind.learner)
        return own
    found = load(kind.learner) if isinstance(kind.learner, str) else kind.learner
    _refuse_no_learner(found)
    checked: type[Learner] = found
    return checked


def refuse_no_kind(prompt: str) -> None:
    """Raise ``UserError`` for what is no kind of prompt.

    Of one that names its class by its place the class is not looked at: that would import torch.
    """
    if not isinstance(kind_of(prompt).learner, str):
        learner_of(prompt)


@cache
def _refuse_no_learner(found: Any) -> None:
    from nemesis_sweep.prompts.learner import Learner

    name = getattr(found, "__qualname__", "it")
    contract = "what nemesis_sweep.Learner says (docs/extending.md)"
    if not isinstance(found, type) or not issubclass(found, Learner):
        raise refused(name, "does not extend nemesis_sweep.Learner", found, "a class that does")
    if isabstract(found):
        lacking = listed(sorted(found.__abstractmethods__))
        raise refused(name, f"does not write {lacking}", found, contract)
    tensors = getattr(found, "tensors", None)
    if not isinstance(tensors, tuple) or not tensors or not all(isinstance(each, str) for each in tensors):
        allowed = 'names of its parameters, such as tensors = ("context",)'
        raise refused(name, "has no `tensors`", tensors, allowed)
    if odd := [each for each in tensors if not each.isidentifier() or hasattr(Learner, each) or each in OWN]:
        raise refused(name, "has `tensors` that cannot be called so", odd[0], "names that are not taken")
    if len(set(tensors)) < len(tensors):
        raise refused(name, "names one of its `tensors` twice", tensors, "each of them once")
    if not isinstance(getattr(found, "n_vectors", None), property):
        raise refused(name, "has an `n_vectors` that is no property", found.n_vectors, contract)
    for method, (places, names) in CALLS.items():
        _refuse_other_arguments(found, method, places, names)


def _refuse_other_arguments(
    found: type, method: str, places: tuple[str, ...], names: tuple[str, ...]
) -> None:
    told = f"{found.__qualname__}.{method}"
    stands = vars(_owner(found, method))[method]
    if not callable(getattr(found, method)):
        raise refused(told, "cannot be called", stands, "a method, as nemesis_sweep.Learner has it")
    is_bound = isinstance(stands, classmethod | staticmethod)
    if method in CLASS_METHODS and not is_bound:
        raise refused(told, "is no class method", stands, "@classmethod above it")
    written = signature(getattr(found, method))
    given = places if is_bound else ("self", *places)
    try:
        written.bind(*given, **dict.fromkeys(names))
    except TypeError:
        keywords = [Parameter(each, Parameter.KEYWORD_ONLY) for each in names]
        first = [Parameter(each, Parameter.POSITIONAL_OR_KEYWORD) for each in given]
        expected = str(written.replace(parameters=[*first, *keywords], return_annotation=written.empty))
        raise refused(told, "takes other arguments than it is given", str(written), expected) from None


def _owner(found: type, method: str) -> type:
    return next(each for each in found.__mro__ if method in vars(each))
