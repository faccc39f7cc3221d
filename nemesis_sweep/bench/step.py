"""One training step in three implementations: public code, plain path on cached features, ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from nemesis_sweep.bench.flops import step_flops
from nemesis_sweep.bench.machine import describe_machine
from nemesis_sweep.bench.memory import peak_bytes
from nemesis_sweep.bench.peak import matmul_peak
from nemesis_sweep.bench.timing import Say, Turn, make_implementation, take_turns, use_threads
from nemesis_sweep.bench.workload import IMPLEMENTATIONS, Setting, Workload, make_workload
from nemesis_sweep.messages.errors import UserError

Figures = dict[str, Any]
"""What is measured; None stands for what was skipped or cannot be measured on this system."""


def measure_step(setting: Setting, say: Say, *, memory: bool = True) -> Figures:
    """Time the implementations that are not skipped and compare them.

    Keys: `setting`, `machine`; `public_seconds`, `plain_seconds`, `ours_seconds` (medians), their ratios
    `public_over_ours` and `plain_over_ours`; `WAY_peak_bytes` beyond the weights, `plain_over_ours_memory`;
    `ours_flops` a step (of CoOp alone), `peak_flops_per_second` of matrix products (the higher of before and
    after) and `peak_share`; `max_gradient_difference` and `max_loss_difference` of ours from the plain path
    (from the public one if that is skipped), relative, largest over steps and replicates; `same_selection`:
    PAN chose the same positions in every step.

    Raises UserError for an unknown architecture and sizes that do not fit it.
    """
    use_threads(setting.threads)
    say(f"making {setting.backbone_name}")
    workload = make_workload(setting, encoded="public" in setting.implementations)
    implementations = {
        name: (workload, make_implementation(name, workload)) for name in setting.implementations
    }
    before = matmul_peak(workload.backbone.text.dtype, workload.device)
    turns = take_turns(implementations, setting.repeats, say, same_context=True)
    peak = max(before, matmul_peak(workload.backbone.text.dtype, workload.device))
    machine = describe_machine(workload.device)
    figures: Figures = {"setting": asdict(setting), "machine": machine, **_times(turns)}
    figures |= _share(workload, turns["ours"], peak)
    figures |= _differences(turns)
    return figures | _memory(setting, say if memory else None)


def _times(turns: dict[str, list[Turn]]) -> Figures:
    seconds: Figures = {
        f"{name}_seconds": median(turn.seconds for turn in turns[name]) if name in turns else None
        for name in IMPLEMENTATIONS
    }
    ours = seconds["ours_seconds"]
    ratios = {f"{name}_over_ours": _ratio(seconds[f"{name}_seconds"], ours) for name in IMPLEMENTATIONS[:-1]}
    return seconds | ratios


def _share(workload: Workload, turns: Sequence[Turn], peak: float) -> Figures:
    """Share of peak, step by step: where PAN looks decides how much there is to do. Of CoOp alone."""
    if workload.setting.prompt != "coop":
        return {"ours_flops": None, "peak_flops_per_second": peak, "peak_share": None}
    flops = [step_flops(workload, workload.positions(number)) for number in range(1, len(turns) + 1)]
    rate = median(own / turn.seconds for own, turn in zip(flops, turns, strict=True))
    return {"ours_flops": median(flops), "peak_flops_per_second": peak, "peak_share": rate / peak}


def _differences(turns: dict[str, list[Turn]]) -> Figures:
    other = next((turns[name] for name in ("plain", "public") if name in turns), None)
    if other is None:
        return {"max_gradient_difference": None, "max_loss_difference": None, "same_selection": None}
    gradients, losses, same = [], [], True
    for ours, theirs in zip(turns["ours"], other, strict=True):
        a, b = ours.outcome, theirs.outcome
        apart = (a.gradient - b.gradient).flatten(1).norm(dim=1) / b.gradient.flatten(1).norm(dim=1)
        gradients.append(float(apart.max()))
        losses.append(float(((a.loss - b.loss).abs() / b.loss.abs()).max()))
        same = same and bool((a.selected == b.selected).all())
    return {
        "max_gradient_difference": max(gradients),
        "max_loss_difference": max(losses),
        "same_selection": same,
    }


def _memory(setting: Setting, say: Say | None) -> Figures:
    """Peaks in bytes of the implementations that are measured; nothing is measured without `say`.

    One that needs more than there is, which the plain path can, has none: its times are worth telling all the
    same.
    """
    figures: Figures = {f"{name}_peak_bytes": None for name in IMPLEMENTATIONS}
    for name in setting.implementations if say else ():
        assert say is not None
        say(f"measuring the memory of the {name} way")
        try:
            figures[f"{name}_peak_bytes"] = peak_bytes(setting, name)
        except UserError as error:
            say(str(error))
    figures["plain_over_ours_memory"] = _ratio(figures["plain_peak_bytes"], figures["ours_peak_bytes"])
    return figures


def _ratio(a: float | None, b: float | None) -> float | None:
    return a / b if a is not None and b else None
