"""Steps of a range that do not lead to its end, and steps without number."""

from __future__ import annotations

from collections.abc import Iterator

from nemesis_sweep.messages.faults import Fault, shown
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.dimensions import TOLERANCE, Choice, FloatRange, IntRange
from nemesis_sweep.spec.steps import MOST, quotient, steps, value_at


def step_faults(parts: CrossSection) -> Iterator[Fault]:
    """Yield the steps that do not lead to the high, which would never be tried, and steps without number."""
    for place in parts.places:
        dimension = place.dimension
        if isinstance(dimension, Choice) or dimension.step is None or place.name in parts.unsure:
            continue
        path, high = (*place.path, "step"), dimension.bounds[1]
        count = steps(dimension)
        if isinstance(dimension, FloatRange) and count > MOST:
            message = f"the step is so small that the range has more than {MOST} values"
            related = ((*place.path, "low"), (*place.path, "high"))
            yield Fault(path, message, shown(dimension.step), "a larger step, or none", related=related)
            continue
        last = value_at(dimension, count)
        if last == high:
            continue
        message = f"the steps do not lead to high ({shown(high)}): the last value would be {shown(last)}"
        # Nothing above the high: whether the method and the backbone take it is not known here.
        fitting = " or ".join(map(shown, _fitting_steps(dimension, count)))
        ways = [f"high: {shown(last)}"] * (count > 0) + [f"step: {fitting}"] * bool(fitting)
        allowed = ", or ".join(ways) or "no step"
        yield Fault(path, message, shown(dimension.step), allowed, related=((*place.path, "high"),))


def _fitting_steps(dimension: FloatRange | IntRange, count: int) -> list[float]:
    """Return the nearest steps that would do, as far as a few digits hold them."""
    low, high = dimension.bounds
    found = []
    for number in (count + 1, count):
        if number < 1:
            continue
        step = float(f"{(high - low) / number:.6g}")
        whole = isinstance(dimension, FloatRange) or step.is_integer()
        if whole and step > 0 and abs(quotient(low, high, step) - number) < TOLERANCE:
            found.append(step if isinstance(dimension, FloatRange) else int(step))
    return found
