"""Figures as text: aligned for the terminal, or as Markdown for a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nemesis_sweep.bench.goals import CASES, GOALS, IN_TURN, Goal
from nemesis_sweep.bench.machine import describe_machine
from nemesis_sweep.messages.aligned import aligned
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.spec.prompts import PROMPTS

STEP_HEADER = (
    "case",
    "public s",
    "plain s",
    "ours s",
    "public / ours",
    "plain / ours",
    "plain MiB",
    "ours MiB",
    "share of peak",
    "gradient difference",
)
_PLAIN = dict.fromkeys((name for name, kind in PROMPTS.items() if kind.in_image_tower), "plain, from pixels")
_UNITS = {"pan": "PAN positions"}
"""What an axis is called where that is not its name."""


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def plain(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns; all but the first to the right."""
    return "\n".join(aligned([header, *rows]))


def step_row(figures: Mapping[str, Any]) -> list[str]:
    """One row below `STEP_HEADER`."""
    return [
        case_name(figures["setting"]),
        *(_number(figures[f"{name}_seconds"], ".3f") for name in ("public", "plain", "ours")),
        *(_number(figures[f"{name}_over_ours"], ".1f", "x") for name in ("public", "plain")),
        *(_mebibytes(figures[f"{name}_peak_bytes"]) for name in ("plain", "ours")),
        _number(figures["peak_share"], ".0%"),
        _number(figures["max_gradient_difference"], ".0e"),
    ]


def step_lines(figures: Mapping[str, Any]) -> str:
    """All that was measured of one step, a line each implementation."""
    header = ("way", "seconds a step", "times ours", "peak MiB beyond the weights")
    rows = [
        [
            {
                "public": "public code's way",
                "plain": _PLAIN.get(figures["setting"].get("prompt", ""), "plain, cached features"),
                "ours": "ours",
            }[name],
            _number(figures[f"{name}_seconds"], ".3f"),
            "1.0x" if name == "ours" else _number(figures[f"{name}_over_ours"], ".1f", "x"),
            _mebibytes(figures[f"{name}_peak_bytes"]),
        ]
        for name in ("public", "plain", "ours")
    ]
    lines = [case_name(figures["setting"]), plain(header, rows)]
    if figures["peak_share"] is not None:
        peak = f"{figures['peak_flops_per_second'] / 1e9:.0f} GFLOP/s"
        lines.append(f"ours reaches {figures['peak_share']:.0%} of this machine's matrix products ({peak})")
    if figures["max_gradient_difference"] is not None:
        same = "the same" if figures["same_selection"] else "NOT the same"
        text = f"largest relative difference: gradient {figures['max_gradient_difference']:.1e}"
        lines.append(f"{text}, loss {figures['max_loss_difference']:.1e}; positions selected: {same}")
    return "\n".join([*lines, machine_line(figures["machine"])])


def scaling_tables(figures: Mapping[str, Any], as_markdown: bool) -> str:
    """A table per axis."""
    blocks = [f"ours: {case_name(figures['setting'])}"]
    for axis, points in figures["axes"].items():
        header = (_UNITS.get(axis, axis), "seconds a step", "times the first", "peak MiB beyond the weights")
        rows = [
            [
                str(point["value"]),
                _number(point["seconds"], ".4f"),
                _number(point["over_first"], ".2f", "x"),
                _mebibytes(point["peak_bytes"]),
            ]
            for point in points
        ]
        blocks.append((markdown if as_markdown else plain)(header, rows))
    return "\n\n".join([*blocks, machine_line(figures["machine"])])


COST_HEADER = (
    "loss",
    "ms a step",
    "s an epoch",
    "over CoOp",
    "over CoOp, images encoded in each step",
    "peak MiB",
)


def cost_tables(figures: Mapping[str, Any], as_markdown: bool) -> str:
    """A table for each case that was measured."""
    blocks = []
    for case in figures["cases"]:
        at = f"{case['axis']} {case['value']}: " if case["axis"] else ""
        about = case_name({**case["setting"], "pan": 0})
        encode = f"{1000 * case['encode_seconds']:.0f} ms to encode the images of a step"
        blocks.append(f"{at}{about}, {counted(case['shots'], 'shot')}; {encode}")
        rows = [
            [
                each["loss"],
                _number(1000 * each["step_seconds"], ".1f"),
                _number(each["epoch_seconds"], ".2f"),
                _number(each["overhead"], "+.1f", " %"),
                _number(each["overhead_uncached"], "+.1f", " %"),
                _mebibytes(each["peak_bytes"]),
            ]
            for each in case["losses"]
        ]
        blocks.append((markdown if as_markdown else plain)(COST_HEADER, rows))
    return "\n\n".join([*blocks, machine_line(figures["machine"])])


def goal_tables(results: Mapping[str, Any]) -> str:
    """Markdown: the goals and what was reached, then the cases behind them. What was not measured is left
    out."""
    rows = []
    for goal in GOALS:
        if goal.reached(results) is None and not results.keys() >= CASES.keys():
            continue
        value = goal.read(results)
        shown = _number(value, ".0f" if goal.unit == "%" else ".2f", f" {goal.unit}")
        rows.append([goal.figure, to_reach(goal), shown, verdict(goal, results)])
    cases = [[name, *step_row(results[name])[1:]] for name in CASES if name in results]
    pairs = [
        [name, *(f"{results[name][key]:.4f}" for key in ("over_seconds", "under_seconds"))]
        for name in IN_TURN
        if name in results
    ]
    tables: list[tuple[Sequence[str], list[list[str]]]] = [
        (("figure", "to reach", "measured", ""), rows),
        (STEP_HEADER, cases),
        (("in turn", "seconds of the first", "seconds of the second"), pairs),
    ]
    parts = [markdown(header, lines) for header, lines in tables if lines]
    return "\n\n".join([machine_line(describe_machine()), *parts])


def to_reach(goal: Goal) -> str:
    """`at least 14 x`."""
    return f"{'at least' if goal.at_least else 'at most'} {goal.bound:g} {goal.unit}"


def verdict(goal: Goal, results: Mapping[str, Any]) -> str:
    """Whether a goal was reached."""
    return {True: "reached", False: "**missed**", None: "not measured"}[goal.reached(results)]


def case_name(setting: Mapping[str, Any]) -> str:
    """`ViT-B-16, 100 classes (short), n_ctx 16, batch 32, PAN 1, fp32`."""
    prompt = setting.get("prompt", "coop")
    method = f"PAN {setting['pan']}" if setting["pan"] else "no penalty" if prompt != "coop" else "CoOp"
    blocks = f" last {setting['last']}" if setting.get("last") else ""
    method = method if prompt == "coop" else f"{prompt}{blocks}, {method}"
    replicates = f", {setting['replicates']} replicates" if setting["replicates"] > 1 else ""
    device = setting.get("device", "cpu")
    precision = setting["precision"] + ("" if device == "cpu" else f", on {device}")
    return (
        f"{setting['arch']}, {counted(setting['classes'], 'class', 'classes')} ({setting['names']}), "
        f"n_ctx {setting['n_ctx']}, batch {setting['batch']}, {method}{replicates}, {precision}"
    )


def machine_line(machine: Mapping[str, Any]) -> str:
    """The machine in one line."""
    memory = f"{machine['memory_gib']} GiB, " if machine["memory_gib"] else ""
    gpu = f"{machine['gpu']}; " if "gpu" in machine else ""
    return (
        f"Machine: {gpu}{machine['processor']}, {counted(machine['cores'], 'core')}, "
        f"{counted(machine['threads'], 'thread')}, {memory}"
        f"{machine['vector_instructions']}; {machine['system']}, Python {machine['python']}, "
        f"torch {machine['torch']}, open_clip {machine['open_clip']}"
    )


def _number(value: float | None, form: str, unit: str = "") -> str:
    return "-" if value is None else f"{value:{form}}{unit}"


def _mebibytes(value: int | None) -> str:
    return "-" if value is None else f"{value / 2**20:.0f}"
