"""`nemesis-sweep datasets`: what can be trained on, whether it is there and whole, and downloading it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nemesis_sweep.cli.completion import dataset_names, names
from nemesis_sweep.cli.options import GivenPath

if TYPE_CHECKING:
    from nemesis_sweep.data.inspection import Flaw

SHOWN = 40
"""Images that are named at most; --json names all."""

root_option = click.option(
    "--root",
    type=GivenPath(file_okay=False),
    help="The data root [default: $NEMESIS_SWEEP_DATA, else the current folder].",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group("datasets", invoke_without_command=True)
@root_option
@json_option
@click.pass_context
def command(ctx: click.Context, root: Path | None, as_json: bool) -> None:
    """List the datasets: classes, published numbers of images, where they are looked for, found or not.

    A sweep file may also name torchvision:NAME, MODULE:FUNCTION, or a path: a folder of class folders, a
    Parquet file or a folder of them, a CSV file with path, label and split, or a saved Hugging Face dataset.
    """
    from nemesis_sweep.files.current_folder import here
    from nemesis_sweep.spec.outside.beside import BESIDE

    BESIDE.look_in(here())
    if ctx.invoked_subcommand is not None:
        return
    from nemesis_sweep.spec.data_root import data_root

    place = data_root(root)
    rows = _rows(place)
    if as_json:
        click.echo(json.dumps({"root": str(place), "datasets": rows}, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    from nemesis_sweep.messages.printable import printable

    table = Table(title=printable(f"data root: {place}"), title_justify="left")
    columns = ("name", "classes", "train", "val", "test")
    for name in columns:
        table.add_column(name, justify="left" if name == "name" else "right", no_wrap=True)
    table.add_column("below the root", overflow="fold")
    for row in rows:
        where = f"{row['folder']}: " if row["folder"] else ""
        table.add_row(*(str(row[name]) for name in columns), where + (row["found"] or "not there"))
    Console().print(table)


def _rows(root: Path) -> list[dict[str, Any]]:
    from nemesis_sweep.data.catalogue import CATALOGUE
    from nemesis_sweep.data.registry import EMBEDDED, load_dataset

    rows = []
    for name in EMBEDDED:
        data = load_dataset(name)
        images = (len(data.train), len(data.val), len(data.test))
        rows.append(_row(name, len(data.classnames), images, "", data.split))
    for entry in CATALOGUE.values():
        layout = entry.find(root)
        folder = (layout or entry.layouts[0]).folder
        rows.append(_row(entry.name, entry.classes, entry.images, folder, layout.split if layout else None))
    return rows


def _row(
    name: str, classes: int, images: tuple[int, int, int], folder: str, found: str | None
) -> dict[str, Any]:
    train, val, test = images
    counts = {"classes": classes, "train": train, "val": val, "test": test}
    return {"name": name, **counts, "folder": folder, "found": found}


@command.command("check")
@click.argument("name", shell_complete=names(dataset_names))
@root_option
@click.option("--no-decode", is_flag=True, help="Only look for files that are missing; open none.")
@json_option
def check(name: str, root: Path | None, no_decode: bool, as_json: bool) -> None:
    """Count the images of dataset NAME and find those that are missing, truncated or not images.

    Ends with exit code 2 when there are any, or when there is less or more than is published.
    """
    from dataclasses import asdict

    from nemesis_sweep.data.availability import availability
    from nemesis_sweep.data.inspection import flaws
    from nemesis_sweep.data.twins import Seen
    from nemesis_sweep.data.twins import told as told_twins
    from nemesis_sweep.messages.printable import printable

    told = availability(name, root)
    report = None if as_json else lambda line: click.echo(line, err=True)
    seen = Seen(told.dataset.local)
    found = list(flaws(told.dataset, not no_decode, report, seen))
    if as_json:
        facts = {**told.facts(), "decoded": not no_decode, "flaws": [asdict(flaw) for flaw in found]}
        facts["twins"] = [asdict(twin) for twin in seen.twins]
        click.echo(json.dumps(facts, indent=2))
    else:
        for line in (*told.lines(), *(f"note: {line}" for line in told_twins(seen.twins))):
            click.echo(printable(line))
        _show(found, no_decode)
    sys.exit(2 if found or told.differs else 0)


def _show(found: list[Flaw], no_decode: bool) -> None:
    from nemesis_sweep.messages.printable import printable

    for flaw in found[:SHOWN]:
        click.echo(printable(f"  {flaw.kind} ({flaw.split}): {flaw.source}: {flaw.reason}"))
    if len(found) > SHOWN:
        click.echo(f"  and {len(found) - SHOWN} more (--json names all)")
    kinds = ("missing",) if no_decode else ("missing", "truncated", "unreadable")
    counts = ", ".join(f"{sum(flaw.kind == kind for flaw in found)} {kind}" for kind in kinds)
    click.echo(f"images that cannot be used: {counts}")


@command.command("fetch")
@click.argument("name", shell_complete=names(dataset_names))
@root_option
def fetch(name: str, root: Path | None) -> None:
    """Download dataset NAME below the data root, where torchvision can."""
    from nemesis_sweep.data.fetch import fetch as fetch_dataset
    from nemesis_sweep.messages.printable import printable
    from nemesis_sweep.spec.data_root import data_root

    place = data_root(root)
    fetch_dataset(name, place)
    look = f"look at it with `nemesis-sweep datasets check {name} --root {place}`"
    click.echo(printable(f"{name} is below {place}; {look}"))
