"""`nemesis-sweep bench`: how fast and how exact the training step is, and what all around it costs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from nemesis_sweep.cli.bench_options import AT_LEAST_1, case_options, into_option, threads_option
from nemesis_sweep.cli.choice import Choice
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.spec.pruners import PRUNERS
from nemesis_sweep.spec.samplers import SAMPLERS


@click.group("bench")
def command() -> None:
    """Measure the training step, encoding, the engine and whole sweeps; nothing is downloaded."""


@command.command("step")
@case_options
@click.option(
    "--skip", multiple=True, type=Choice(["public", "plain"]), help="Leave a way out that does not fit."
)
def step(no_memory: bool, as_json: bool, as_markdown: bool, **case: Any) -> None:
    """Time one training step three ways, in turn, and compare memory and gradients.

    The public code's way (images and 77 tokens of every class in every pass; of CoOp alone), the plain path
    on cached image features, and ours.
    """
    from nemesis_sweep.bench import tables
    from nemesis_sweep.bench.step import measure_step
    from nemesis_sweep.bench.workload import Setting

    figures = measure_step(Setting(**case), _say, memory=not no_memory)
    if as_json:
        click.echo(json.dumps(figures))
    elif as_markdown:
        click.echo(tables.markdown(tables.STEP_HEADER, [tables.step_row(figures)]))
    else:
        click.echo(tables.step_lines(figures))


@command.command("scaling")
@case_options
@click.option(
    "--axis",
    "axes",
    multiple=True,
    metavar="NAME[=A,B,...]",
    help="Only this axis: classes, n_ctx, replicates, pan or prompt; with values of your own if given.",
)
@into_option
def scaling(
    no_memory: bool, as_json: bool, as_markdown: bool, axes: tuple[str, ...], into: Path | None, **case: Any
) -> None:
    """Show how time and memory of our step change with classes, n_ctx, replicates, PAN positions and prompt.

    --into FILE puts the tables between the lines `<!-- scaling -->` and `<!-- end of scaling -->` of a file.
    """
    from nemesis_sweep.bench import tables
    from nemesis_sweep.bench.document import check_marks, put_between
    from nemesis_sweep.bench.scaling import measure_scaling, parse_axes
    from nemesis_sweep.bench.workload import Setting

    if into is not None:
        check_marks(into, "scaling")
    figures = measure_scaling(Setting(**case), parse_axes(axes), _say, memory=not no_memory)
    if into is not None:
        put_between(into, "scaling", tables.scaling_tables(figures, as_markdown=True))
    click.echo(json.dumps(figures) if as_json else tables.scaling_tables(figures, as_markdown))


@command.command("cost")
@case_options
@click.option(
    "--shots", default=16, show_default=True, type=AT_LEAST_1, help="Images of a class, for epochs."
)
@click.option(
    "--axis",
    "axes",
    multiple=True,
    metavar="NAME[=A,B,...]",
    help="Also at other values of batch, shots, classes, arch (with images of its size), replicates, device.",
)
@into_option
def cost(
    no_memory: bool,
    as_json: bool,
    as_markdown: bool,
    shots: int,
    axes: tuple[str, ...],
    into: Path | None,
    **case: Any,
) -> None:
    """Time steps and epochs of CoOp, PUN and PAN (1, 2, 4 and all positions): what the penalties add.

    In percent over CoOp with cached image features, and where every step encodes its images. --pan has no
    part in it. --into FILE puts the tables between the lines `<!-- cost -->` and `<!-- end of cost -->` of a
    file.
    """
    from nemesis_sweep.bench import tables
    from nemesis_sweep.bench.cost import measure_cost, parse_axes
    from nemesis_sweep.bench.document import check_marks, put_between
    from nemesis_sweep.bench.workload import Setting

    if into is not None:
        check_marks(into, "cost")
    figures = measure_cost(Setting(**case), shots, parse_axes(axes), _say, memory=not no_memory)
    if into is not None:
        put_between(into, "cost", tables.cost_tables(figures, as_markdown=True))
    click.echo(json.dumps(figures) if as_json else tables.cost_tables(figures, as_markdown))


@command.command("goals")
@threads_option
@click.option("--only", multiple=True, metavar="TEXT", help="Only cases with this text in their name.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@into_option
def goals(threads: int, only: tuple[str, ...], as_json: bool, into: Path | None) -> None:
    """Measure everything that docs/performance.md promises (over an hour on two cores, up to 24 GB).

    --into FILE puts the tables between the lines `<!-- goals -->` and `<!-- end of goals -->` of a file.
    """
    from nemesis_sweep.bench import tables
    from nemesis_sweep.bench.document import check_marks, put_between
    from nemesis_sweep.bench.goals import measure_goals

    if into is not None:
        if only:
            message = "a part of the goals is no page"
            raise UserError(Problem(message, "--into", allowed="--into without --only"))
        check_marks(into, "goals")
    results = measure_goals(threads, _say, only)
    if into is not None:
        put_between(into, "goals", tables.goal_tables(results))
    click.echo(json.dumps(results) if as_json else tables.goal_tables(results))


@command.command("encode")
@click.option(
    "--backbone", default="ViT-B-32@random", show_default=True, help="A backbone, as in a sweep file."
)
@click.option("--images", default=256, show_default=True, type=AT_LEAST_1)
@click.option("--width", default=500, show_default=True, type=click.IntRange(8, 8192), help="In pixels.")
@click.option("--batch", default=64, show_default=True, type=AT_LEAST_1, help="Of the bare loop.")
@click.option("--repeats", default=5, show_default=True, type=AT_LEAST_1, help="Timed rounds.")
@threads_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def encode(as_json: bool, **case: Any) -> None:
    """Time the encoding of image files, in turn with a bare loop of decoding and encode_image."""
    from nemesis_sweep.bench.encode import Pictures, encode_lines, measure_encode

    figures = measure_encode(Pictures(**case), _say)
    click.echo(json.dumps(figures) if as_json else encode_lines(figures))


@command.command("corrupt")
@click.option("--backbone", default="icon-clip", show_default=True, help="A backbone, as in a sweep file.")
@click.option("--dataset", default="clipart", show_default=True, help="A dataset, as in a sweep file.")
@click.option("--n-ctx", default=16, show_default=True, type=AT_LEAST_1, help="Context vectors.")
@click.option("--replicates", default=3, show_default=True, type=AT_LEAST_1)
@click.option(
    "--cells",
    default=48,
    show_default=True,
    type=click.IntRange(min=0),
    help="Prompts that are evaluated one after the other; the rest is extrapolated. 0: all.",
)
@click.option("--repeats", default=3, show_default=True, type=AT_LEAST_1, help="Of the whole grid our way.")
@threads_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def corrupt(as_json: bool, **case: Any) -> None:
    """Time a whole grid of corrupted prompts, against one evaluation after the other, and compare them."""
    from nemesis_sweep.bench.corruption import Grid, corruption_lines, measure_corruption

    figures = measure_corruption(Grid(**case), _say)
    click.echo(json.dumps(figures) if as_json else corruption_lines(figures))


@command.command("engine")
@click.option("--trials", default=2000, show_default=True, type=AT_LEAST_1)
@click.option("--workers", default=16, show_default=True, type=click.IntRange(1, 1000))
@click.option("--sampler", default="random", show_default=True, type=Choice(list(SAMPLERS)))
@click.option("--pruner", default="hyperband", show_default=True, type=Choice(list(PRUNERS)))
@click.option("--synced", is_flag=True, help="Bring every journal entry to the disk, as a real run does.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def engine(as_json: bool, **load: Any) -> None:
    """Time a simulated sweep: what proposing, judging and recording cost without any training."""
    from nemesis_sweep.bench.engine import Load, engine_lines, measure_engine

    figures = measure_engine(Load(**load), _say)
    click.echo(json.dumps(figures) if as_json else engine_lines(figures))


@command.command("overhead")
@click.option("--trials", default=60, show_default=True, type=AT_LEAST_1, help="Warm trials that count.")
@click.option("--workers", default=1, show_default=True, type=AT_LEAST_1, help="Trials at a time.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def overhead(trials: int, workers: int, as_json: bool) -> None:
    """Run a small real sweep and the same training without one: what the framework adds to a warm trial."""
    from nemesis_sweep.bench.overhead import measure_overhead, overhead_lines

    figures = measure_overhead(trials, workers, _say)
    click.echo(json.dumps(figures) if as_json else overhead_lines(figures))


@command.command("sweep")
@click.option("--backbone", default="icon-clip", show_default=True, help="A backbone, as in a sweep file.")
@click.option("--dataset", default="clipart", show_default=True, help="A dataset, as in a sweep file.")
@click.option("--trials", default=20, show_default=True, type=AT_LEAST_1)
@click.option("--replicates", default=3, show_default=True, type=AT_LEAST_1, help="Seeds of a trial.")
@click.option("--shots", default=16, show_default=True, type=AT_LEAST_1)
@click.option("--epochs", default=50, show_default=True, type=AT_LEAST_1)
@click.option("--n-ctx", default=16, show_default=True, type=AT_LEAST_1, help="Context vectors.")
@click.option("--batch", default=32, show_default=True, type=AT_LEAST_1, help="Images a step.")
@click.option(
    "--pan",
    default=1,
    show_default=True,
    type=click.IntRange(min=0),
    help="Positions that PAN tests in a step; 0 is PUN.",
)
@click.option(
    "--views", default="16", show_default=True, help="Of a training image; epochs: a new one each epoch."
)
@click.option(
    "--measure",
    default=2,
    show_default=True,
    type=AT_LEAST_1,
    help="Trials that are run the public code's way; the rest is extrapolated.",
)
@click.option(
    "--pruner",
    default="hyperband",
    show_default=True,
    type=Choice(list(PRUNERS)),
    help="Of a second sweep; none leaves it out.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown tables.")
@into_option
def sweep(views: str, as_json: bool, as_markdown: bool, into: Path | None, **job: Any) -> None:
    """Time a whole job: runs one after the other the public code's way, against one sweep of the same trials.

    Both on the CPU, from the start of the first process to the end of the last. Ends with exit code 1 when
    their test accuracies are not the same within the tolerance that is told.

    --into FILE puts the table between the lines `<!-- sweep -->` and `<!-- end of sweep -->` of a file.
    """
    from nemesis_sweep.bench.document import check_marks, put_between
    from nemesis_sweep.bench.sweep import measure_sweep
    from nemesis_sweep.bench.sweep_tables import agreement_line, sweep_tables
    from nemesis_sweep.bench.whole_job import WholeJob

    if into is not None:
        check_marks(into, "sweep")
    number = int(views) if views.isdecimal() else views
    figures = measure_sweep(WholeJob(**job, views=number), _say)
    click.echo(json.dumps(figures) if as_json else sweep_tables(figures, as_markdown))
    if not figures["agreement"]["agree"]:
        _say(f"error: {agreement_line(figures['agreement'])}")
        sys.exit(1)
    if into is not None:
        put_between(into, "sweep", sweep_tables(figures, as_markdown=True))


def _say(line: str) -> None:
    click.echo(line, err=True)
