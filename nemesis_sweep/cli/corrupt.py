"""`nemesis-sweep corrupt`: what becomes of a learnt prompt when one vector is scaled or replaced."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nemesis_sweep.cli.choice import Choice
from nemesis_sweep.cli.options import GivenPath, HomePath
from nemesis_sweep.cli.prompt_option import task
from nemesis_sweep.cli.ui import newest_home
from nemesis_sweep.messages.aligned import aligned
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.printable import printable
from nemesis_sweep.spec.choices import CORRUPTIONS
from nemesis_sweep.spec.fields import LARGEST
from nemesis_sweep.sweep.home.usual_place import SWEEPS

if TYPE_CHECKING:
    from nemesis_sweep.report.corruption import Cells


@click.command("corrupt")
@click.argument("place", metavar="[PROMPT|HOME]", required=False, type=HomePath())
@task
@click.option("--dataset", default="", help="Of a prompt alone: what it is tested on.")
@click.option("--split", type=Choice(["test", "val"]), default="test", show_default=True)
@click.option(
    "--operation",
    type=Choice(list(CORRUPTIONS)),
    help="Scale a vector, or put one drawn at random in its place [default: both].",
)
@click.option("--strengths", metavar="X,...", help="Factors, or deviations of the noise; with --operation.")
@click.option("--positions", metavar="N,...", default="", help="Vectors, from 1 [default: all].")
@click.option("--json", "as_json", is_flag=True, help="Every cell as JSON instead of tables.")
@click.option(
    "--to", type=GivenPath(), help="Folder for corruption.parquet and a heat map of each operation."
)
def command(
    place: Path | None,
    task: str,
    dataset: str,
    split: str,
    operation: str | None,
    strengths: str | None,
    positions: str,
    as_json: bool,
    to: Path | None,
) -> None:
    """Corrupt every vector of a prompt in turn and test it: where does a lower norm help?

    PROMPT is the folder of a prompt; of a sweep's HOME (default: the newest) its best is taken. The tables
    show the change of accuracy in points, its mean over the seeds; * where the change of a seed is beyond
    chance (McNemar's exact test, at most 5 % false findings among all cells).
    """
    chosen, places = _strengths(operation, strengths), _positions(positions)
    from nemesis_sweep.report.corruption import cells_of, corruption_table
    from nemesis_sweep.report.corruption_picture import refuse_something_else, write_tables_and_maps
    from nemesis_sweep.sweep.corrupting import to_corrupt
    from nemesis_sweep.sweep.learnt_folder import learnt_folder
    from nemesis_sweep.training.corruption import corrupt
    from nemesis_sweep.training.learnt import load_learnt

    say = partial(click.echo, err=True)
    if to is not None:
        refuse_something_else(to)  # Before it is computed for minutes.
    found = learnt_folder(place or newest_home(SWEEPS), task)
    click.echo(f"By {printable(found.about)}", err=True)
    given = to_corrupt(found, load_learnt(found.folder), split, dataset, say)
    cells = [
        cells_of(corrupt(given.learner, given.seeds, given.images, given.labels, each, by, places, say))
        for each, by in chosen.items()
    ]
    table = corruption_table({split: cells})
    if to is not None:
        write_tables_and_maps(to, cells, table, f"{given.data}, {split}")
    if as_json:
        click.echo(json.dumps(table.to_pylist(), indent=2))
        return
    for each in cells:
        _print(each, split)
    if to is not None:
        click.echo(f"Written  {printable(str(to))}")


def _strengths(operation: str | None, given: str | None) -> dict[str, tuple[float, ...]]:
    if given is None:
        return {each: usual for each, usual in CORRUPTIONS.items() if operation in (None, each)}
    if operation is None:
        allowed = f"also --operation {' or '.join(CORRUPTIONS)}"
        raise UserError(
            Problem("strengths of which operation?", key="--strengths", found=given, allowed=allowed)
        )
    try:
        numbers = tuple(float(each) for each in given.split(","))
    except ValueError:
        numbers = ()
    if len(set(numbers)) < len(numbers):  # Each would count once more among the cells.
        message, allowed = "a strength is listed twice", "each of them once"
        raise UserError(Problem(message, key="--strengths", found=given, allowed=allowed))
    if not numbers or not all(0 <= each <= LARGEST for each in numbers):
        allowed = "numbers from 0 that fp32 has, such as 0.5,2"
        raise UserError(Problem("not strengths", key="--strengths", found=given, allowed=allowed))
    return {operation: numbers}


def _positions(given: str) -> tuple[int, ...]:
    try:
        return tuple(int(each) for each in given.split(",")) if given else ()
    except ValueError:
        allowed = "whole numbers from 1, such as 1,3"
        raise UserError(Problem("not positions", key="--positions", found=given, allowed=allowed)) from None


def _print(cells: Cells, split: str) -> None:
    import numpy as np

    from nemesis_sweep.report.cells import score_text
    from nemesis_sweep.report.statistics import score

    grid = cells.grid
    accuracy = score([100 * float(each.mean()) for each in grid.before])
    seeds = counted(len(grid.seeds), "seed")
    click.echo(
        f"{grid.operation}: {split} accuracy {score_text(accuracy)} as learnt, {seeds}; change in points"
    )
    rows = [["vector", "norm", *(f"{each:g}" for each in grid.strengths)]]
    change: list[list[float]] = grid.change.mean(axis=0).round(1).tolist()
    sure: list[list[bool]] = np.asarray(cells.beyond_chance.any(axis=0)).tolist()
    norms = grid.norms.mean(axis=0).tolist()
    for place, (position, norm) in enumerate(zip(grid.positions, norms, strict=True)):
        own = [
            f"{value + 0.0:+.1f}{'*' if star else ' '}"
            for value, star in zip(change[place], sure[place], strict=True)
        ]
        rows.append([str(position), f"{norm:.2f}", *own])
    for line in aligned(rows, text=()):
        click.echo(line)
    if (often := cells.frequency) is not None:
        pairs, positions = (
            f"{score_text(each.score)} % ({each.low:.1f} to {each.high:.1f})"
            for each in (often.pairs, often.positions)
        )
        click.echo(
            f"A lower norm and a higher accuracy: {pairs} of the cells that lower a norm, {positions} of the "
            f"positions; beyond chance {score_text(often.sure)} % of the cells"
        )
