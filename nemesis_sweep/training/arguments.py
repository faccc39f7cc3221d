"""What a call from Python is given, checked before any work: one clear error for each argument."""

import operator
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import Fault, refuse
from nemesis_sweep.prompts.learner import no_variants
from nemesis_sweep.prompts.registry import learner_of
from nemesis_sweep.spec.checks.untested import tests_vectors
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.outside.kinds import kind_of
from nemesis_sweep.spec.outside.methods import read_method
from nemesis_sweep.spec.owned import owners_of
from nemesis_sweep.spec.tasks import ALL, PUBLISHED, ValShots
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.load_backbone import load_backbone

SEEDS = 2**32
"""Seeds are smaller, as in a sweep file."""
SHOWN = 80
METHODS = (
    "a Method or a mapping of its fields: {'omega': 5.0, 'beta': 0.0} is PAN, {'omega': 5.0} is PUN, "
    "None is plain CoOp"
)


def checked_shots(given: Any) -> int:
    """A number of shots. Raises ``UserError`` for anything but a whole number from 1."""
    shots = _whole(given)
    if shots is None or shots < 1:
        raise refusal("shots", "not a number of shots", given, "a whole number >= 1")
    return shots


def checked_val_shots(given: Any) -> ValShots:
    """Validation images of each class. Raises ``UserError`` for what `val_shots` of a sweep file refuses."""
    if isinstance(given, str) and given in (PUBLISHED, ALL):
        return ALL if given == ALL else PUBLISHED
    number = _whole(given)
    if number is None or number < 1:
        allowed = f"'{PUBLISHED}', '{ALL}', or a whole number >= 1"
        raise refusal("val_shots", "not a number of validation images", given, allowed)
    return number


def checked_seeds(given: Any) -> tuple[int, ...]:
    """Seeds, one a replicate. Raises ``UserError`` unless they are different whole numbers, at least one."""
    allowed = f"different whole numbers from 0 to {SEEDS - 1}, such as (1, 2, 3)"
    if not isinstance(given, Iterable) or isinstance(given, str | bytes | Mapping):
        one = _whole(given)
        alone = "" if one is None else f"; ({one},) is this seed alone"
        raise refusal("seeds", "not a list of seeds", given, allowed + alone)
    listed = list(given)
    seeds = [_whole(each) for each in listed]
    if not seeds:
        raise refusal("seeds", "no seeds given", given, allowed)
    for place, seed in enumerate(seeds):
        if seed is None or not 0 <= seed < SEEDS:
            raise refusal("seeds", "not a seed", listed[place], allowed)
        if seed in seeds[:place]:
            raise refusal("seeds", f"{seed} is listed twice", given, allowed)
    return tuple(seed for seed in seeds if seed is not None)


def checked_method(given: Any) -> Method:
    """A method, made of its fields if need be. Raises ``UserError`` for fields and values that it has not."""
    if given is not None and not isinstance(given, Mapping | Method):
        raise refusal("method", "not a method", given, METHODS)
    method = given if isinstance(given, Method) else read_method(given or {})
    _check_kind(method)
    return method


def _check_kind(method: Method) -> None:
    """Raise ``UserError`` for an unknown kind of prompt, and for fields of others that would do something.

    Defaults do nothing: a method that was saved has the fields of all kinds.
    """
    _refuse_untested(method)
    chosen = method.model_dump()
    given = [name for name in method.model_fields_set if chosen[name] != _default(method, name)]
    refuse(
        [
            Fault(
                (name,), f"{chosen[field]} has no {name}", "", f"without it, or {field}: {' or '.join(own)}"
            )
            for name in sorted(given)
            for field, own in owners_of(name, method.kinds).items()
            if chosen[field] not in own
        ]
    )


def _refuse_untested(method: Method) -> None:
    """Raise ``UserError`` for an unknown kind, and for PAN with one that gives no variants."""
    kind = learner_of(method.prompt)
    if not kind.variants and tests_vectors(method.model_dump()):
        raise no_variants(method.prompt)


def _default(method: Method, name: str) -> Any:
    """What a field of a method is where it is not given."""
    return type(method).model_fields[name].get_default(call_default_factory=True)


def check_training(backbone: Any, classnames: Any, method: Any, template: Any) -> None:
    """Raise ``UserError`` for what cannot be trained because it is of another kind than is said."""
    if not isinstance(backbone, Backbone):
        allowed = "a Backbone, such as ns.load_backbone('icon-clip')"
        raise refusal("backbone", "not a backbone", backbone, allowed)
    if not isinstance(method, Method):
        raise refusal("method", "not a method", method, "a Method, such as ns.read_method({'omega': 5.0})")
    _refuse_untested(method)
    if kind_of(method.prompt).one_feature:
        backbone.refuse_queries(method.prompt)
    checked_classnames(classnames)
    if not isinstance(template, str) or "{}" not in template:
        allowed = "a text with {} for the class name"
        raise refusal("template", "not a template", template, allowed)


def checked_classnames(given: Any) -> list[str]:
    """Names of classes. Raises ``UserError`` for one name alone, for none, and for what is no text."""
    names = list(given) if isinstance(given, Iterable) and not isinstance(given, str | bytes) else []
    if not names or not all(isinstance(name, str) and name for name in names):
        raise refusal("classnames", "not class names", given, "a list of names, such as ['cat', 'dog']")
    return names


def found_backbone(given: Any) -> Backbone:
    """A backbone, loaded if it is given by its name or folder. Raises ``UserError`` for anything else."""
    if isinstance(given, Backbone):
        return given
    if not isinstance(given, str | os.PathLike):
        raise refusal("backbone", "not a backbone", given, "a name, a folder, or a Backbone")
    return load_backbone(_name(given))


def found_dataset(given: Any, root: str | Path | None = None) -> Dataset:
    """A dataset, loaded if it is given by its name or path. Raises ``UserError`` for anything else."""
    if isinstance(given, Dataset):
        return given
    if not isinstance(given, str | os.PathLike):
        raise refusal("dataset", "not a dataset", given, "a name, a path, or a Dataset")
    return load_dataset(_name(given), root)


def _name(given: str | os.PathLike[str]) -> str:
    """A name as it is; a path so that it cannot be taken for a name."""
    if isinstance(given, str):
        return given
    path = os.fspath(given)
    return path if "/" in path else f"./{path}"


def _whole(value: Any) -> int | None:
    """Python's and NumPy's whole numbers; None for anything else, True and 4.0 too."""
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def refusal(key: str, message: str, given: Any, allowed: str) -> UserError:
    """The error for an argument: its name, the rule that it broke, itself cut short, what is allowed."""
    found = repr(given)
    shown = found if len(found) <= SHOWN else f"{found[: SHOWN - 4]} ..."
    return UserError(Problem(message, key=key, found=shown, allowed=allowed))
