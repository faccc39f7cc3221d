"""Making a sampler or a pruner: it is given our values for the arguments that it has."""

from collections.abc import Callable
from inspect import signature
from typing import Any

from nemesis_sweep.spec.outside.reference import refused
from nemesis_sweep.spec.values import Values


def offered(factory: Callable[..., Any], values: Values) -> dict[str, Any]:
    """Those of our values for which a factory has an argument, by name."""
    names = signature(factory).parameters
    return {name: value for name, value in values.items() if name in names}


def refuse_other(name: str, found: Any, base: type) -> None:
    """Raise ``UserError`` for what stands at `module:Name` and is no class that extends ``base``."""
    if not isinstance(found, type) or not issubclass(found, base):
        # Optuna keeps each class in a module of its own, whose name begins with an underscore.
        place = f"{base.__module__.rpartition('.')[0]}.{base.__name__}"
        raise refused(name, f"does not extend {place}", found, "a class that does")
