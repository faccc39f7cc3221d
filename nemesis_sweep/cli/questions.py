"""The few questions that `nemesis-sweep init` asks on a terminal; an empty answer takes the default."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from nemesis_sweep.cli.wanted import FIRST, OF_IMAGES, Wanted, as_dataset, numbers
from nemesis_sweep.messages.errors import UserError


def ask(wanted: Wanted) -> None:
    """Fill in what the new file is to be. A question with an answer that cannot be used is asked again."""
    from nemesis_sweep.cli.fitting_shots import fitting_shots
    from nemesis_sweep.data.registry import EMBEDDED
    from nemesis_sweep.spec.source import read_text
    from nemesis_sweep.spec.start.shipped import listing, shipped_file

    click.echo(f"Images: a folder of class folders, or datasets ({', '.join(EMBEDDED)}, ...)")
    answer = _asked("  folder or names", "digits", _data)
    if isinstance(answer, Path):
        wanted.images = [str(answer)]
    else:
        wanted.datasets = answer
    click.echo("Search space, which says what penalty is searched beside what else:")
    for line in listing():
        click.echo(f"  {line}")
    usual = OF_IMAGES if wanted.images else FIRST
    wanted.source = _asked("  name", usual, lambda name: shipped_file(name).stem)
    tasks = read_text(shipped_file(wanted.source).read_text(encoding="utf-8"), wanted.source).data["tasks"]
    shots = tasks.get("shots", 16)
    named = [*wanted.datasets, *map(as_dataset, wanted.images)]
    usual = ",".join(map(str, fitting_shots(named, shots if isinstance(shots, list) else [shots])))
    click.echo("Shots: training images of each class, one number or several")
    if (answer := _asked("  shots", usual, numbers)) != numbers(usual):
        wanted.shots = answer
    backbone = str(tasks.get("backbone", "icon-clip"))
    click.echo("Backbone: icon-clip ships, knows drawings; ViT-B-16@openai is downloaded, knows photographs")
    if (name := _asked("  backbone", backbone, _backbone)) != backbone:
        wanted.backbones = [name]


def _asked(question: str, default: str, read: Callable[[str], Any]) -> Any:
    """The answer, read; what cannot be read is told, and asked for again."""

    def value(text: str) -> Any:
        try:
            return read(text.strip())
        except UserError as error:
            raise click.UsageError(str(error)) from error

    return click.prompt(question, default=default, value_proc=value)


def _data(text: str) -> Path | list[str]:
    from nemesis_sweep.data.registry import check_name
    from nemesis_sweep.files.current_folder import expanded, here

    if (here() / expanded(text)).exists():
        return Path(text)
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        check_name(name)
    return names


def _backbone(text: str) -> str:
    from nemesis_sweep.vlm.registry import find_backbone

    find_backbone(text)
    return text
