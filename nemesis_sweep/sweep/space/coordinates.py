"""Where a configuration lies in a search space, every range scaled to 0..1."""

import math
from collections.abc import Mapping
from typing import Any

from nemesis_sweep.spec.dimensions import Choice, Dimension, Space
from nemesis_sweep.spec.space import places
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.trial_spec import TrialSpec


def dimensions(space: Space) -> dict[str, Dimension]:
    """Every dimension by name, those inside choices too; of several with one name the first."""
    found: dict[str, Dimension] = {}
    for place in places(space):
        found.setdefault(place.name, place.dimension)
    return found


def searched_values(spec: TrialSpec, names: Mapping[str, Dimension]) -> dict[str, Any]:
    """What a trial drew, or, for a baseline beside the space, what it has for the searched fields."""
    if spec.params:
        return dict(spec.params)
    method = spec.method.model_dump()
    return {name: method[name] for name in names if name in method}


def unit(dimension: Dimension, value: float) -> float:
    """A number's place in its range, 0 to 1, on a logarithmic scale where the range has one."""
    if isinstance(dimension, Choice):
        raise TypeError("choices have no order")
    low, high = dimension.bounds
    value = min(max(float(value), low), high)
    if low == high:
        return 0.0
    if dimension.log:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def distance(names: Mapping[str, Dimension], one: Values, other: Values) -> float:
    """Euclidean distance; 1 for another choice, and for a dimension that only one of the two has."""
    total = 0.0
    for name, dimension in names.items():
        if name not in one and name not in other:
            continue
        if name not in one or name not in other:
            total += 1.0
        elif isinstance(dimension, Choice):
            total += float(one[name] != other[name])
        else:
            total += (unit(dimension, one[name]) - unit(dimension, other[name])) ** 2
    return math.sqrt(total)
