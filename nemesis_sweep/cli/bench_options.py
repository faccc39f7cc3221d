"""Options that several benchmarks share: what is measured, and where the tables go."""

from __future__ import annotations

from collections.abc import Callable

import click

from nemesis_sweep.cli.choice import Choice
from nemesis_sweep.cli.options import GivenPath
from nemesis_sweep.spec.prompts import PROMPTS

Command = Callable[..., None]
AT_LEAST_1 = click.IntRange(min=1)
threads_option = click.option(
    "--threads", default=0, show_default="torch's choice", type=click.IntRange(min=0), help="CPU threads."
)
into_option = click.option(
    "--into", type=GivenPath(dir_okay=False), help="Put the tables into this document too."
)


def case_options(function: Command) -> Command:
    """The options that say what is measured."""
    options = [
        click.option("--arch", default="ViT-B-16", show_default=True, help="An open_clip architecture."),
        click.option("--classes", default=100, show_default=True, type=AT_LEAST_1),
        click.option("--n-ctx", default=16, show_default=True, type=AT_LEAST_1, help="Context vectors."),
        click.option("--batch", default=32, show_default=True, type=AT_LEAST_1, help="Images a step."),
        click.option(
            "--pan",
            default=1,
            show_default=True,
            type=click.IntRange(min=0),
            help="Positions that PAN tests in a step; 0 is plain CoOp.",
        ),
        click.option(
            "--names",
            default="short",
            show_default=True,
            type=Choice(["short", "imagenet-like"]),
            help="Class names: one token each, or 1 to 9.",
        ),
        threads_option,
        click.option(
            "--replicates",
            default=1,
            show_default=True,
            type=AT_LEAST_1,
            help="Prompts trained side by side.",
        ),
        click.option(
            "--repeats", default=5, show_default=True, type=AT_LEAST_1, help="Timed steps of each way."
        ),
        click.option("--precision", default="fp32", show_default=True, type=Choice(["fp32", "bf16", "fp16"])),
        click.option(
            "--prompt", default="coop", show_default=True, type=Choice(list(PROMPTS)), help="Its kind."
        ),
        click.option(
            "--last",
            default=0,
            show_default="all",
            type=click.IntRange(min=0),
            help="Blocks of the image tower, its last ones, that kinds in it put vectors before.",
        ),
        click.option(
            "--device", default="cpu", show_default=True, help="Where all is computed, such as cuda."
        ),
        click.option("--no-memory", is_flag=True, help="Do not measure memory (a process for each figure)."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        click.option("--markdown", "as_markdown", is_flag=True, help="Print a Markdown table."),
    ]
    for option in reversed(options):
        function = option(function)
    return function
