"""The whole job's figures as text: for the terminal, or as Markdown for a document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from operator import itemgetter
from typing import Any

from nemesis_sweep.bench.goals import Goal
from nemesis_sweep.bench.tables import machine_line, markdown, plain, to_reach, verdict
from nemesis_sweep.bench.whole_job import WholeJob
from nemesis_sweep.messages.counting import counted

GOAL = Goal(
    "20 trials x 3 seeds, icon-clip, clip art: public / ours", 60, True, "x", itemgetter("public_over_ours")
)
"""Of the job that is measured by default."""


def sweep_tables(figures: Mapping[str, Any], as_markdown: bool) -> str:
    """What was run, a line for each way, what was measured of it, and whether the ways agree."""
    job, table = figures["job"], markdown if as_markdown else plain
    header = ("way", "seconds", "public / this", "best found, test accuracy")
    pruned = figures["pruned"]
    rows = [
        ["public code's way", f"{figures['public_seconds']:.0f}", "1.0x", "-"],
        ["`run`", *_line(figures["ours_seconds"], figures["public_over_ours"], figures["best"])],
    ]
    if pruned:
        name = f"`run`, {pruned['pruner']}, {pruned['stopped']} of {job['trials']} stopped early"
        rows.append([name, *_line(pruned["seconds"], pruned["public_over_ours"], pruned["best"])])
    blocks = [
        job_name(job),
        table(header, rows),
        measured_line(figures),
        agreement_line(figures["agreement"]),
    ]
    if job == asdict(WholeJob(measure=job["measure"])):
        blocks.append(f"To reach: {to_reach(GOAL)}; {verdict(GOAL, figures)}.")
    return ("\n\n" if as_markdown else "\n").join([*blocks, machine_line(figures["machine"])])


def job_name(job: Mapping[str, Any]) -> str:
    """`20 trials x 3 seeds: icon-clip, clipart, 16 shots, 50 epochs, n_ctx 16, batch 32, 16 views, PAN 1`."""
    method = f"PAN {job['pan']}" if job["pan"] else "PUN"
    views = "a new view each epoch" if job["views"] == "epochs" else counted(job["views"], "view")
    return (
        f"{counted(job['trials'], 'trial')} x {counted(job['replicates'], 'seed')}: {job['backbone']}, "
        f"{job['dataset']}, {counted(job['shots'], 'shot')}, {counted(job['epochs'], 'epoch')}, "
        f"n_ctx {job['n_ctx']}, batch {job['batch']}, {views}, {method}, CPU"
    )


def measured_line(figures: Mapping[str, Any]) -> str:
    """How many public runs were measured, and what one takes."""
    parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in figures["public_run_seconds"].items())
    seconds = sum(figures["public_run_seconds"].values())
    count, measured = figures["public_runs"], figures["measured_runs"]
    told = f"{measured} of {count} public runs were measured"
    if figures["extrapolated"]:
        told += (
            "; the others are taken to last as long as these on average, so the public time is extrapolated"
        )
    return f"{told}. A run takes {seconds:.1f} s: {parts}."


def agreement_line(found: Mapping[str, Any]) -> str:
    """Whether both ways found the same accuracies, and within what."""
    same = "are the same within the tolerance" if found["agree"] else "are NOT the same"
    return (
        f"Test accuracies of {counted(len(found['runs']), 'run')} {same}: at most {found['most']:.2f} points "
        f"apart, {found['mean']:.3f} on average; allowed: {found['allowed_most']:g} and "
        f"{found['allowed_mean']:g}."
    )


def _line(seconds: float, ratio: float, best: float | None) -> list[str]:
    return [f"{seconds:.1f}", f"{ratio:.1f}x", "-" if best is None else f"{best:.2f}"]
