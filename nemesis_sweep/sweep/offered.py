"""Making a sampler or a pruner: it is given our values for the arguments that it has."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any


def offered(factory: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of our values for which a factory has an argument, by name."""
    names = signature(factory).parameters
    return {name: value for name, value in values.items() if name in names}
