"""How the cost of our step grows with classes, context length, replicates and tested positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from statistics import median
from typing import Any

from nemesis_sweep.bench.machine import describe_machine
from nemesis_sweep.bench.memory import peak_bytes
from nemesis_sweep.bench.timing import Say, make_implementation, take_turns, use_threads
from nemesis_sweep.bench.workload import Setting, make_workload
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.vlm.backbone import load_backbone

AXES: dict[str, tuple[int, ...]] = {
    "classes": (10, 30, 100, 200, 400, 1000),
    "n_ctx": (2, 4, 8, 16, 32),
    "replicates": (1, 2, 3, 5, 8),
    "pan": (0, 1, 2, 4, 8),
}


def parse_axes(texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Axes from `classes` or `classes=10,100`; all with their usual values if none is named.

    Raises UserError for an unknown axis and for values that are not whole numbers above 0 (`pan`: 0 too).
    """
    if not texts:
        return AXES
    axes: dict[str, tuple[int, ...]] = {}
    for text in texts:
        name, _, values = text.partition("=")
        if name not in AXES:
            raise UserError(Problem("unknown axis", "axis", found=repr(name), allowed=", ".join(AXES)))
        try:
            axes[name] = tuple(int(value) for value in values.split(",")) if values else AXES[name]
        except ValueError as error:
            raise UserError(Problem("values are not whole numbers", f"axis {name}", found=values)) from error
        if min(axes[name]) < (name != "pan"):
            raise UserError(Problem("values are too small", f"axis {name}", found=values))
    return axes


def _at(setting: Setting, axis: str, value: int) -> Setting:
    changed: dict[str, Any] = {axis: value}
    return replace(setting, **changed)


def measure_scaling(
    setting: Setting, axes: Mapping[str, Sequence[int]], say: Say, *, memory: bool = True
) -> dict[str, Any]:
    """Time our step at every value of every axis, the others as in the setting.

    The values of an axis take turns in one process. Returns `setting`, `machine` and, per axis in `axes`, a
    list of `value`, `seconds` (median), `over_first` (relative to the first value) and `peak_bytes`.
    """
    use_threads(setting)
    say(f"making {setting.backbone_name}")
    backbone = load_backbone(setting.backbone_name).to(precision=setting.precision, device=setting.device)
    tables: dict[str, list[dict[str, Any]]] = {}
    for axis, values in axes.items():
        settings = {str(value): _at(setting, axis, value) for value in values}
        works = {name: make_workload(own, backbone) for name, own in settings.items()}
        say(f"{axis}: {', '.join(works)}")
        implementations = {
            name: (workload, make_implementation("ours", workload)) for name, workload in works.items()
        }
        turns = take_turns(implementations, setting.repeats, say)
        seconds = {name: median(turn.seconds for turn in turns[name]) for name in works}
        first = next(iter(seconds.values()))
        tables[axis] = [
            {
                "value": getattr(own, axis),
                "seconds": seconds[name],
                "over_first": seconds[name] / first,
                "peak_bytes": peak_bytes(own, "ours") if memory else None,
            }
            for name, own in settings.items()
        ]
    return {"setting": asdict(setting), "machine": describe_machine(backbone.text.device), "axes": tables}
