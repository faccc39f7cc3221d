"""`nemesis-sweep classify`: class names for images of one's own, by what a sweep learnt."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from nemesis_sweep.cli.options import GivenPath
from nemesis_sweep.cli.prompt_option import classnames, learnt, prompt_option, task
from nemesis_sweep.files.regular_file import is_there
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.printable import printable

TOGETHER = 256
"""Images between two lines of progress."""

Predicted = list[tuple[str, float]]


@click.command("classify")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE|FOLDER...", type=GivenPath())
@prompt_option
@task
@click.option("--top", default=3, show_default=True, type=click.IntRange(1), help="Classes of each image.")
@classnames
@click.option("--seed", type=int, help="One of the prompt's seeds; by default all of them, averaged.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list instead of a table.")
@click.option(
    "--csv", "as_csv", is_flag=True, help="CSV instead of a table: image, rank, class, probability."
)
def command(
    images: tuple[Path, ...],
    prompt: str | None,
    task: str,
    top: int,
    classnames: list[str] | None,
    seed: int | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Say what is in images: files, or all images in folders and below."""
    if as_json and as_csv:
        raise click.UsageError("either --json or --csv")
    if classnames is not None and len(classnames) < 2:
        message, allowed = "one class alone is always certain", "two names or more, such as cat,dog"
        raise UserError(Problem(message, "--classnames", found=classnames[0], allowed=allowed))
    files = [file for given in images for file in _images(given)]
    with learnt(prompt, task, "--prompt") as (found, about):
        from nemesis_sweep.training.classifier import Classifier

        click.echo(f"By {printable(about)}", err=True)
        classifier = Classifier(found, classnames=classnames, seed=seed)
    told: list[Predicted] = []
    for start in range(0, len(files), TOGETHER):
        told += classifier.predict(files[start : start + TOGETHER], top=top)
        if len(files) > TOGETHER:
            click.echo(f"{len(told)} of {counted(len(files), 'image')}", err=True)
    how = "json" if as_json else "csv" if as_csv else "table"
    click.echo(_text(files, told, how), nl=False)


def _images(given: Path) -> Sequence[Path]:
    """The image, or all images in a folder and below, by their names.

    What is hidden, and what systems leave, is none of them: macOS writes a `._a.jpg` beside every `a.jpg`.
    """
    from nemesis_sweep.data.catalogue.listing import SUFFIXES, names_an_image

    if not given.is_dir():
        if not given.exists():
            raise UserError(Problem("no such file or folder", key="IMAGE", found=str(given)))
        return [given]
    found = sorted(
        file
        for folder, names in _folders(given, [])
        for file in (folder / name for name in names)
        if names_an_image(file.name) and is_there(file) and file.is_file()
    )
    if not found:
        allowed = f"a folder with images ({', '.join(sorted(SUFFIXES))})"
        raise UserError(Problem("no image in this folder", key="FOLDER", found=str(given), allowed=allowed))
    return found


def _folders(folder: Path, above: Sequence[Path]) -> Iterator[tuple[Path, list[str]]]:
    """A folder and all below it, each with the names of what is in it.

    Links are followed, as they are in images to train on, but not into a folder that they are in.
    """
    from nemesis_sweep.data.catalogue.listing import is_folder, is_left_out

    place = folder.resolve()
    if place in above:
        return
    with os.scandir(folder) as found:
        entries = list(found)
    yield folder, [entry.name for entry in entries]
    for entry in entries:
        if is_folder(entry) and not is_left_out(entry.name):
            yield from _folders(folder / entry.name, [*above, place])


def _text(files: Sequence[Path], told: Sequence[Predicted], how: str) -> str:
    """All that is printed, so that a file that a shell makes of it has all of it or nothing."""
    if how == "json":
        rows = [
            {
                "image": str(file),
                "classes": [{"class": name, "probability": value} for name, value in classes],
            }
            for file, classes in zip(files, told, strict=True)
        ]
        return f"{json.dumps(rows, indent=2)}\n"
    if how == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["image", "rank", "class", "probability"])
        for file, classes in zip(files, told, strict=True):
            writer.writerows([file, rank, name, value] for rank, (name, value) in enumerate(classes, 1))
        return text.getvalue()
    width = max(len(printable(str(file))) for file in files)
    lines = []
    for file, classes in zip(files, told, strict=True):
        line = "  ".join(f"{printable(name)} {100 * value:.1f} %" for name, value in classes)
        lines.append(f"{printable(str(file)).ljust(width)}  {line}\n")
    return "".join(lines)
