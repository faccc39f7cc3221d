"""The trial of a sweep that needs the most memory, as far as that can be said without training it."""

from collections.abc import Mapping
from typing import Any

from nemesis_sweep.spec.baselines import known_before
from nemesis_sweep.spec.choices import CLASS_POSITIONS, PRECISIONS, SELECTIONS
from nemesis_sweep.spec.configuration import configuration
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.kinds import is_row
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.prompt_fields import CLASS_BLOCK, DEPTH, LAST, VECTORS
from nemesis_sweep.spec.prompts import Kinds, passes
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.space.baselines import baseline_method


def largest_method(sweep: Sweep, task: Task, in_image_tower: bool | None = None) -> Method:
    """A method that needs as much memory as any that the sweep can train on a task, or more.

    Every field has the largest of its possible values, whether or not they can meet in one trial; the
    baselines that are asked for count too. Of several kinds of prompts it is the one that runs most contexts
    through the text tower, of those the one whose classes share least. in_image_tower: only kinds that run
    blocks of the image tower, or only others.
    Raises ``UserError`` when the fields do not go together.
    """
    parts = CrossSection(sweep.method, sweep.space)
    baselines = [baseline_method(sweep, task, name) for name in known_before(sweep.search.baselines)]

    def possible(name: str) -> list[Any]:
        return parts.possible(name, cell=(task.dataset, task.shots)) + [
            getattr(each, name) for each in baselines if name in each.method_fields()
        ]

    kinds, table = list(dict.fromkeys(possible("prompt"))), sweep.method.kinds
    if in_image_tower is not None:
        kinds = [kind for kind in kinds if _in_image_tower(kind, table) == in_image_tower]
    # What trains no prompt takes less than any that does.
    kinds = [kind for kind in kinds if not is_row(kind)] or kinds
    n_ctx, words = max(possible("n_ctx")), possible("words")
    last = parts.possible(LAST, cell=(task.dataset, task.shots))
    drawn = max(possible("n_positions"))
    largest = {
        "n_ctx": n_ctx,
        "words": None if None in words else max(words, key=len),
        "class_position": max(possible("class_position"), key=CLASS_POSITIONS.index),
        "csc": any(possible("csc")),
        "omega": 1.0 if max(possible("omega")) else 0.0,  # How strong a penalty is costs nothing.
        "beta": min(possible("beta")),
        "n_positions": min(n_ctx, drawn),
        "selection": max(possible("selection"), key=lambda name: SELECTIONS[name].corrupts),
        "batch": max(possible("batch")),
        "precision": min(possible("precision"), key=PRECISIONS.index),
    }
    counts = {name for kind in kinds if kind in table for name in table[kind].costly}
    known = {name: [value for value in possible(name) if value is not None] for name in counts}
    largest |= {name: max(values) for name, values in known.items() if values}
    # The earlier every class has vectors of its own, the more rows there are.
    largest[CLASS_BLOCK] = min((each for each in possible(CLASS_BLOCK) if each is not None), default=None)
    both = [kind for kind in kinds if kind in table and table[kind].between_blocks and in_image_tower]
    chosen = max(both or kinds, key=lambda kind: _needs(kind, largest, table))
    if _in_image_tower(chosen, table):
        blocks = None if None in last else max(last)
        vectors = largest[VECTORS] * (blocks or 1) if _own(chosen, table) else 0
        vectors += n_ctx if both else 0
        # How many a kind from outside has is not known.
        largest |= {LAST: blocks, DEPTH: None, "n_positions": min(drawn, vectors or drawn)}
    return configuration(sweep, task, {**largest, "prompt": chosen})


def largest_trials(sweep: Sweep, classes: Mapping[str, int]) -> list[tuple[Task, Method]]:
    """For every backbone the task and the method that need the most, beside them those of kinds that run
    blocks of the image tower. classes: of each task, by its key."""
    largest: dict[tuple[str, bool], tuple[float, Task, Method]] = {}
    for task in sweep.task_list():
        for of_images in _groups(sweep, task):
            method = largest_method(sweep, task, of_images)
            variants = 1 + method.n_positions * (method.beta < 1)
            if of_images:
                size = float(method.batch * variants)
            else:
                size = classes[task.key] * method.n_ctx * variants
                size *= passes(method.prompt, method.model_dump(), method.kinds)
            key = (task.backbone, of_images)
            if key not in largest or size > largest[key][0]:
                largest[key] = (size, task, method)
    return [(task, method) for _, task, method in largest.values()]


def _groups(sweep: Sweep, task: Task) -> list[bool]:
    """Whether there are kinds in the image tower, and others; those of baselines are others."""
    cell = (task.dataset, task.shots)
    possible = CrossSection(sweep.method, sweep.space).possible("prompt", cell=cell)
    found = {_in_image_tower(kind, sweep.method.kinds) for kind in possible}
    return sorted(found | ({False} if known_before(sweep.search.baselines) else set()))


def _in_image_tower(kind: str, table: Kinds) -> bool:
    return kind in table and table[kind].in_image_tower


def _needs(kind: str, largest: Values, table: Kinds) -> tuple[int, bool, bool, bool]:
    """What tells kinds apart by the memory of their steps, what counts most first.

    Contexts in a step, vectors in the image tower, and whether every class has vectors of its own in all
    blocks of the text tower, or in the later ones.
    """
    names = table[kind].names if kind in table else frozenset()
    by_class = bool(largest["csc"]) and "csc" in names
    return passes(kind, largest, table), _own(kind, table), by_class, CLASS_BLOCK in names


def _own(kind: str, table: Kinds) -> bool:
    """Whether vectors of the image tower are its own."""
    return kind in table and table[kind].own_in_image_tower
