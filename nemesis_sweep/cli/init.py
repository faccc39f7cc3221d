"""`nemesis-sweep init`: a sweep file of one's own, from one that ships."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nemesis_sweep.cli.completion import backbone_names, dataset_names, names, shipped_names
from nemesis_sweep.cli.options import GivenPath
from nemesis_sweep.cli.wanted import FIRST, OF_IMAGES, Wanted, as_dataset, numbers
from nemesis_sweep.files.own_folder import refuse_uncreatable
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.printable import printable, quoted

if TYPE_CHECKING:
    from nemesis_sweep.spec.sweep import Sweep

FLAGS = {"dataset": "--dataset", "shots": "--shots", "backbone": "--backbone"}


@click.command("init")
@click.argument("what", required=False, metavar="[NAME|FILE]", shell_complete=names(shipped_names))
@click.option(
    "--from",
    "source",
    metavar="NAME",
    shell_complete=names(shipped_names),
    help="The shipped sweep file to copy [default: pan, for --images own_images].",
)
@click.option("--images", multiple=True, type=GivenPath(), help="Images of your own: a folder, CSV, Parquet.")
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    metavar="NAME,...",
    shell_complete=names(dataset_names),
    help="Datasets that have a name.",
)
@click.option("--shots", metavar="N,...", help="Training images of each class, such as 4,16.")
@click.option(
    "--backbone",
    "backbones",
    multiple=True,
    metavar="NAME",
    shell_complete=names(backbone_names),
    help="The vision-language model.",
)
@click.option("--to", "file", type=GivenPath(), help="The file to write [default: NAME.yaml].")
@click.option("--list", "as_list", is_flag=True, help="List the sweep files that ship, and write nothing.")
def command(
    what: str | None,
    source: str | None,
    images: tuple[Path, ...],
    datasets: tuple[str, ...],
    shots: str | None,
    backbones: tuple[str, ...],
    file: Path | None,
    as_list: bool,
) -> None:
    """Write a sweep file of your own, with comments, from one that ships.

    NAME is a shipped file, as --from, and FILE is the file to write, as --to. On a terminal and with nothing
    named, it asks. A file that exists is not written over.
    """
    from nemesis_sweep.spec.start.shipped import listing

    if as_list:
        click.echo("\n".join(listing()))
        return
    source, file = _named(what, source, file)
    for path in images:
        _refuse_nothing(path)
    wanted = Wanted(
        source or "",
        [str(path) for path in images],
        [name for each in datasets for name in map(str.strip, each.split(",")) if name],
        numbers(shots) if shots else [],
        list(backbones),
    )
    if wanted == Wanted() and sys.stdin.isatty() and sys.stdout.isatty():
        from nemesis_sweep.cli.questions import ask

        ask(wanted)
    wanted.source = wanted.source or (OF_IMAGES if wanted.images else FIRST)
    _write(wanted, file or Path(f"{_name(wanted)}.yaml"))


def _named(what: str | None, source: str | None, file: Path | None) -> tuple[str | None, Path | None]:
    """The shipped file's name and the file to write, with the argument as one of the two."""
    if what is None:
        return source, file
    if what.endswith((".yaml", ".yml")) or "/" in what:
        if file is not None:
            raise click.UsageError("FILE and --to are the same: one of them")
        return source, GivenPath().convert(what, None, None)
    if source is not None:
        raise click.UsageError("NAME and --from are the same: one of them")
    return what, file


def _refuse_nothing(path: Path) -> None:
    from nemesis_sweep.files.current_folder import expanded, here
    from nemesis_sweep.files.nearest_path import nearest_path

    if not (here() / expanded(path)).exists():
        near = nearest_path(path)
        raise UserError(Problem("no such file or folder", "--images", found=repr(str(path)), nearest=near))


def _name(wanted: Wanted) -> str:
    """What the sweep is called: as the folder of images, else as the file that it is copied from."""
    from nemesis_sweep.spec.task_names import dataset_origin

    return dataset_origin(as_dataset(wanted.images[0])).base if wanted.images else wanted.source


def _write(wanted: Wanted, file: Path) -> None:
    from nemesis_sweep.cli.fitting_shots import fitting_shots
    from nemesis_sweep.files.atomic import write_atomically
    from nemesis_sweep.spec.start.new_file import new_text
    from nemesis_sweep.spec.start.shipped import shipped_file
    from nemesis_sweep.spec.task_names import file_name

    source = shipped_file(wanted.source)
    _refuse_file(file)
    name = file_name(file.stem, "sweep")
    text = new_text(source, str(file), name, wanted.tasks())
    sweep, seen = _checked(text, file)
    shots = sweep.tasks.shots
    if not wanted.shots and (fit := fitting_shots(sweep.tasks.dataset, shots)) != shots:
        seen = [*seen, f"shots at most {max(fit)}: no class has more images to train on"]
        wanted.shots = fit
        text = new_text(source, str(file), name, wanted.tasks())
        sweep, _ = _checked(text, file)
    write_atomically(file, text)
    numbers_of = ", ".join(map(str, sweep.tasks.shots))
    said = f"{', '.join(sweep.tasks.dataset)}; shots {numbers_of}; backbone {', '.join(sweep.tasks.backbone)}"
    click.echo(printable(f"{file}: {said}; copied from {wanted.source}.yaml"))
    for line in seen:
        click.echo(line)
    click.echo("Next:")
    for verb, told in (("plan", "what it would cost"), ("run", "run it, or go on with it")):
        click.echo(f"  nemesis-sweep {verb} {quoted(file)}".ljust(50) + f"  # {told}")


def _refuse_file(file: Path) -> None:
    if file.exists() or file.is_symlink():
        allowed = "a new file, with --to FILE: nothing is written over"
        raise UserError(Problem("there is such a file already", "--to", found=str(file), allowed=allowed))
    if not file.absolute().parent.is_dir():
        raise UserError(Problem("no such folder", "--to", found=str(file.absolute().parent)))
    refuse_uncreatable(file.absolute().parent, "--to")


def _checked(text: str, file: Path) -> tuple[Sweep, list[str]]:
    """The sweep of a text, and what `validate` would say of its data and weights.

    Raises ``UserError`` with what is wrong, under the option that brought it in.
    """
    from nemesis_sweep.cli.own_data import look_at_data, missing_lines
    from nemesis_sweep.files.current_folder import here
    from nemesis_sweep.spec.outside.beside import BESIDE
    from nemesis_sweep.spec.sections import read_sections
    from nemesis_sweep.spec.source import read_text
    from nemesis_sweep.sweep.names import known_names
    from nemesis_sweep.vlm.presence import missing_weights

    BESIDE.look_in(here())
    sweep, faults = read_sections(read_text(text, str(file)).data, known_names(here()))
    if sweep is None or faults:
        raise UserError([_by_option(fault.problem()) for fault in faults])
    try:
        seen = look_at_data(sweep, exactly=False)
    except UserError as error:
        raise UserError([_by_option(problem) for problem in error.problems]) from error
    return sweep, [*seen, *missing_lines(sweep), *missing_weights(sweep.tasks.backbone)]


def _by_option(problem: Problem) -> Problem:
    """A problem with the option in place of the key of a file that is not written."""
    from dataclasses import replace

    parts = problem.key.split(".")
    flag = FLAGS.get(parts[1], "") if parts[0] == "tasks" and len(parts) > 1 else ""
    return replace(problem, key="", file=flag) if flag and not problem.file else problem
