"""What PUN and PAN cost beside CoOp: a step and an epoch, with images encoded before or in every step."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from statistics import median
from typing import Any

from nemesis_sweep.bench.axes import named_axis, whole_numbers
from nemesis_sweep.bench.machine import describe_machine
from nemesis_sweep.bench.memory import peak_bytes
from nemesis_sweep.bench.timing import Say, Turn, make_implementation, take_turns, use_threads
from nemesis_sweep.bench.workload import Setting, Workload, make_workload
from nemesis_sweep.vlm.devices import find_device, synchronise
from nemesis_sweep.vlm.load_backbone import load_backbone
from nemesis_sweep.vlm.registry import find_backbone

COOP = "CoOp"
TESTED = (1, 2, 4)
"""Positions that PAN tests in a step, beside all of them."""
AXES: dict[str, tuple[int | str, ...]] = {
    "batch": (8, 32, 128),
    "shots": (1, 4, 16),
    "classes": (10, 100, 1000),
    "arch": ("RN50", "RN50x4", "ViT-B-32", "ViT-B-16"),
    "replicates": (1, 3),
    "device": ("cpu",),
}
"""What may be changed. Sizes of images are those of architectures: 288 pixels with RN50x4, else 224."""


def parse_axes(texts: Sequence[str]) -> dict[str, tuple[int | str, ...]]:
    """Axes from `batch` or `batch=8,32`. Raises UserError for an unknown one and for values that are none."""
    axes: dict[str, tuple[int | str, ...]] = {}
    for text in texts:
        name, given = named_axis(text, AXES)
        values = whole_numbers(name, given) if isinstance(AXES[name][0], int) else tuple(filter(None, given))
        axes[name] = values or AXES[name]
    return axes


def measure_cost(
    setting: Setting,
    shots: int,
    axes: Mapping[str, Sequence[int | str]],
    say: Say,
    *,
    memory: bool = True,
) -> dict[str, Any]:
    """Time steps of CoOp, PUN and PAN in turn, as the setting is and at every value of every axis.

    Gives `machine` and `cases`: each with `setting`, `shots`, `axis` and `value` ('' and None of the setting
    itself), `encode_seconds` of the images of a step, and `losses`, a list of `loss`, `step_seconds`
    (median), `epoch_seconds`, `overhead` over CoOp in percent where features are cached, `overhead_uncached`
    where each step encodes its images, and `peak_bytes`.
    """
    use_threads(setting.threads)
    points: list[tuple[str, int | str | None]] = [("", None)]
    points += [(axis, value) for axis, values in axes.items() for value in values]
    settings = [_at(setting, axis, value) for axis, value in points]
    # What cannot be had is told before anything is timed.
    devices = {find_device(each.device) for each in settings}
    for each in settings:
        find_backbone(each.backbone_name)
    cases = []
    for (axis, value), each in zip(points, settings, strict=True):
        own = int(value) if axis == "shots" and value is not None else shots
        say(f"{axis} {value}" if axis else "the setting itself")
        cases.append({"axis": axis, "value": value, **_measured(each, own, say, memory)})
    return {"machine": describe_machine(*devices), "cases": cases}


def _at(setting: Setting, axis: str, value: int | str | None) -> Setting:
    changed: dict[str, Any] = {} if axis in ("", "shots") else {axis: value}
    return replace(setting, **changed)


def _measured(setting: Setting, shots: int, say: Say, memory: bool) -> dict[str, Any]:
    images = setting.classes * shots
    setting = replace(setting, batch=min(setting.batch, images))  # As an epoch has it.
    backbone = load_backbone(setting.backbone_name).to(precision=setting.precision, device=setting.device)
    settings = _losses(setting)
    works = {name: make_workload(own, backbone) for name, own in settings.items()}
    implementations = {name: (work, make_implementation("ours", work)) for name, work in works.items()}
    encode = [_encode_seconds(works[COOP]) for _ in range(2)]
    turns = take_turns(implementations, setting.repeats, say)
    encode.append(_encode_seconds(works[COOP]))
    encoding = median(encode[1:])  # The first warms up.
    steps = images // setting.batch
    return {
        "setting": asdict(setting),
        "shots": shots,
        "encode_seconds": encoding,
        "losses": [
            {
                "loss": name,
                "step_seconds": (step := median(turn.seconds for turn in turns[name])),
                "epoch_seconds": steps * step,
                "overhead": _overhead(turns[name], turns[COOP], 0.0),
                "overhead_uncached": _overhead(turns[name], turns[COOP], encoding),
                "peak_bytes": peak_bytes(own, "ours") if memory else None,
            }
            for name, own in settings.items()
        ],
    }


def _losses(setting: Setting) -> dict[str, Setting]:
    tested = [each for each in TESTED if each < setting.n_ctx]
    plain = replace(setting, pan=0, pun=False)
    return {
        COOP: plain,
        "PUN": replace(plain, pun=True),
        **{f"PAN {each}": replace(plain, pan=each) for each in tested},
        "PAN all": replace(plain, pan=setting.n_ctx),
    }


def _overhead(turns: Sequence[Turn], coop: Sequence[Turn], beside: float) -> float:
    """In percent, of steps that take so many seconds besides: the median over rounds of all losses."""
    shares = [
        (own.seconds - plain.seconds) / (plain.seconds + beside)
        for own, plain in zip(turns, coop, strict=True)
    ]
    return 100 * median(shares)


def _encode_seconds(workload: Workload) -> float:
    """Seconds of the image tower on the images of a step, all replicates."""
    pixels = workload.pixels
    synchronise(workload.device)
    start = time.perf_counter()
    for own in pixels:
        workload.backbone.encode_image(own)
    synchronise(workload.device)
    return time.perf_counter() - start
