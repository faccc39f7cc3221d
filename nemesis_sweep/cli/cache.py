"""`nemesis-sweep cache`: what the feature cache holds, whether it is whole, and making it smaller."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.printable import printable

if TYPE_CHECKING:
    from nemesis_sweep.data.cache import Folder

UNITS = ("B", "kB", "MB", "GB", "TB")


@click.group("cache")
def command() -> None:
    """Look at the cache of image features, check it, or make it smaller.

    It is the folder $NEMESIS_SWEEP_CACHE, else nemesis-sweep/features in your cache directory.
    """


@command.command("ls")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def ls(as_json: bool) -> None:
    """List the feature stores: backbone, what is kept, views, pictures, size, last use."""
    root, found = _cache()
    rows: list[dict[str, Any]] = [
        {
            "folder": folder.path.name,
            "backbone": folder.about.backbone,
            "views": folder.about.views,
            "dtype": folder.about.dtype,
            "kept": folder.about.reads,
            "pictures": folder.pictures(),
            "bytes": folder.bytes,
            "last_use": time.strftime("%Y-%m-%d %H:%M", time.localtime(folder.last_use)),
        }
        for folder in found
    ]
    if as_json:
        click.echo(json.dumps({"cache": str(root), "folders": rows}, indent=2))
        return
    if not rows:
        click.echo(f"{printable(root)} holds no features")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=printable(root), title_justify="left")
    for name in ("backbone", "dtype", "kept", "views", "pictures", "size", "last use", "folder"):
        right = name in ("views", "pictures", "size")
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        size = readable(row["bytes"])
        cells = [row[name] for name in ("backbone", "dtype", "kept", "views", "pictures")]
        table.add_row(*map(str, cells), size, row["last_use"], row["folder"])
    Console().print(table)
    click.echo(f"{counted(len(rows), 'folder')}, {readable(sum(row['bytes'] for row in rows))}")


@command.command("verify")
@click.option("--remove", is_flag=True, help="Delete the broken files; they are encoded anew when needed.")
def verify(remove: bool) -> None:
    """Read every shard and name the ones that are broken or not the store's.

    Ends with exit code 1 when there are any that --remove has not deleted.
    """
    from nemesis_sweep.data.cache import broken_files, remove_broken, unnamed

    root, found = _cache()
    shards, left = 0, 0
    for path in unnamed(root):
        click.echo(f"{printable(path)}: its about.json is missing or broken")
        left += 1
    for folder in found:
        shards += len(folder.shards)
        bad = broken_files(folder)
        for path, reason in bad:
            click.echo(printable(f"{path}: {reason}"))
        if bad and remove:
            removed = remove_broken(folder)
            click.echo(
                f"{folder.path}: "
                + ("in use" if removed is None else f"removed {counted(len(removed), 'file')}")
            )
            bad = bad if removed is None else []
        left += len(bad)
    click.echo(
        f"{counted(shards, 'shard')} in {counted(len(found), 'folder')} of {root}: "
        f"{f'{left} broken' if left else 'all whole'}"
    )
    sys.exit(1 if left else 0)


@command.command("prune")
@click.option("--older-than", type=click.FloatRange(min=0), metavar="DAYS", help="Not used for so many days.")
@click.option("--backbone", metavar="NAME", help="Features of this backbone.")
@click.option("--all", "everything", is_flag=True, help="All features.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def prune(older_than: float | None, backbone: str | None, everything: bool, yes: bool) -> None:
    """Delete feature stores. Files that are not the cache's and stores that are being written stay."""
    from nemesis_sweep.data.cache import chosen
    from nemesis_sweep.data.cache import prune as prune_folder
    from nemesis_sweep.messages.errors import Problem, UserError, nearest

    if not everything and older_than is None and backbone is None:
        raise click.UsageError("say what to delete: --older-than DAYS, --backbone NAME or --all")
    root, found = _cache()
    names = sorted({folder.about.backbone for folder in found})
    if backbone is not None and backbone not in names:
        allowed = ", ".join(names) or "nothing: the cache is empty"
        near = nearest(backbone, names)
        raise UserError(
            Problem("no features of this backbone", "--backbone", "", None, backbone, allowed, near)
        )
    going = chosen(found, backbone, older_than)
    for folder in going:
        click.echo(f"{folder.path.name}: {readable(folder.bytes)}")
    if not going:
        click.echo(f"nothing to delete in {printable(root)}")
        return
    total = readable(sum(folder.bytes for folder in going))
    if not yes:
        click.confirm(f"Delete {counted(len(going), 'folder')}, {total}?", abort=True)
    results = [prune_folder(folder) for folder in going]
    for result in results:
        if result.busy:
            click.echo(f"{result.folder.path.name}: a process is encoding there; left alone")
    freed = [result for result in results if not result.busy]
    click.echo(f"freed {readable(sum(result.bytes for result in freed))} in {counted(len(freed), 'folder')}")


def _cache() -> tuple[Path, list[Folder]]:
    from nemesis_sweep.data.cache import folders
    from nemesis_sweep.data.folder import default_root

    root = default_root()
    return root, folders(root)


def readable(count: float) -> str:
    """A number of bytes for people: `1.5 MB`."""
    for unit in UNITS:
        if count < 1000 or unit == UNITS[-1]:
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
