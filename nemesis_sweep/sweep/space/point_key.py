"""No study trains the same thing twice: replicates are its seeds, so it would give the same result again."""

from collections.abc import Callable, Sequence

from nemesis_sweep.spec.checks.idle_dimensions import matters, possibly_idle
from nemesis_sweep.spec.configuration import method_values
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.spec.values import Values

Key = frozenset[tuple[str, str]]


def point_key(point: Values) -> Key:
    """What two points have in common that are the same but for rounding."""
    # As text: 1, 1.0 and true are equal in Python but may be three choices.
    return frozenset(
        (name, f"{value:.12g}" if type(value) is float else repr(value)) for name, value in point.items()
    )


def key_of(sweep: Sweep, tasks: Sequence[Task]) -> Callable[[Values], Key]:
    """What tells a point of a study from others: the values that a trial of one of its tasks looks at.

    Without a penalty its fields change nothing, and those of training nothing in a row without a prompt.
    Where every dimension always changes something it is `point_key` itself.
    """
    doubtful = frozenset(possibly_idle(CrossSection(sweep.method, sweep.space, sweep.tasks)))
    if not doubtful:
        return point_key

    def key(point: Values) -> Key:
        values = [method_values(sweep, task, point) for task in tasks]
        idle = {name for name in doubtful if not any(matters(name, each) for each in values)}
        return point_key({name: value for name, value in point.items() if name not in idle})

    return key
