"""How the cost of our step changes with classes, context length, replicates, tested positions, prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from statistics import median
from typing import Any

from nemesis_sweep.bench.axes import named_axis, whole_numbers
from nemesis_sweep.bench.machine import describe_machine
from nemesis_sweep.bench.memory import peak_bytes
from nemesis_sweep.bench.timing import Say, make_implementation, take_turns, use_threads
from nemesis_sweep.bench.workload import Setting, make_workload
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.spec.prompts import PROMPTS
from nemesis_sweep.vlm.load_backbone import load_backbone

AXES: dict[str, tuple[int | str, ...]] = {
    "classes": (10, 30, 100, 200, 400, 1000),
    "n_ctx": (2, 4, 8, 16, 32),
    "replicates": (1, 2, 3, 5, 8),
    "pan": (0, 1, 2, 4, 8),
    "prompt": tuple(PROMPTS),
}


def parse_axes(texts: Sequence[str]) -> dict[str, tuple[int | str, ...]]:
    """Axes from `classes` or `classes=10,100`; all numbers with their usual values if none is named.

    Raises UserError for an unknown axis, for values that are not whole numbers above 0 (`pan`: 0 too), and
    for unknown kinds of prompts.
    """
    if not texts:
        return {name: values for name, values in AXES.items() if name != "prompt"}
    axes: dict[str, tuple[int | str, ...]] = {}
    for text in texts:
        name, given = named_axis(text, AXES)
        least = 0 if name == "pan" else 1
        values = _kinds(given) if name == "prompt" else whole_numbers(name, given, least)
        axes[name] = values or AXES[name]
    return axes


def _kinds(given: Sequence[str]) -> tuple[str, ...]:
    if unknown := [kind for kind in given if kind not in PROMPTS]:
        allowed = ", ".join(PROMPTS)
        raise UserError(Problem("no kind of prompt", "axis prompt", found=repr(unknown[0]), allowed=allowed))
    return tuple(given)


def _at(setting: Setting, axis: str, value: int | str) -> Setting:
    changed: dict[str, Any] = {axis: value}
    return replace(setting, **changed)


def measure_scaling(
    setting: Setting, axes: Mapping[str, Sequence[int | str]], say: Say, *, memory: bool = True
) -> dict[str, Any]:
    """Time our step at every value of every axis, the others as in the setting.

    The values of an axis take turns in one process. Returns `setting`, `machine` and, per axis in `axes`, a
    list of `value`, `seconds` (median), `over_first` (relative to the first value) and `peak_bytes`.
    """
    use_threads(setting.threads)
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
