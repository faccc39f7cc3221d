"""`nemesis-sweep replay`: whether a recorded trial comes to the same numbers when it is trained again."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nemesis_sweep.cli.completion import trials_of
from nemesis_sweep.cli.options import HomePath
from nemesis_sweep.messages.aligned import aligned
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.printable import printable

if TYPE_CHECKING:
    from nemesis_sweep.sweep.replay.replay import Compared, Replayed

OTHERS = 10
"""Differences by epoch that are told one by one."""


@click.command("replay")
@click.argument("home", type=HomePath())
@click.argument("trial", metavar="STUDY/NUMBER", shell_complete=trials_of("home"))
@click.option("--json", "as_json", is_flag=True, help="One JSON object with every number then and now.")
def command(home: Path, trial: str, as_json: bool) -> None:
    """Train a trial of HOME again from its record, and compare every number.

    NUMBER is the trial's, or the name of a row beside the space, such as zero_shot. Needs no Ray and writes
    nothing into HOME. A pruned trial is trained up to where it was pruned. Ends with exit code 0 where all
    numbers are the same to the last bit, else 1.
    """
    from nemesis_sweep.sweep.home.folder import home_at
    from nemesis_sweep.sweep.replay.replay import replay

    replayed = replay(home_at(home), trial, lambda line: click.echo(line, err=True))
    if as_json:
        click.echo(json.dumps(_plain(replayed), indent=2, allow_nan=False))
    else:
        _print(replayed)
    sys.exit(0 if replayed.same else 1)


def _print(replayed: Replayed) -> None:
    several = len({each.task for each in replayed.compared}) > 1
    rows = [["metric", "seed", "recorded", "now", "difference"]]
    rows += [
        [
            f"{each.task} {each.metric}" if several else each.metric,
            str(each.seed),
            f"{each.recorded:.10g}",
            f"{each.now:.10g}",
            _told(each),
        ]
        for each in replayed.ends
    ]
    for line in aligned(rows) if replayed.ends else ():
        click.echo(line)
    for task, same in replayed.learnt.items():
        of = f" of {printable(task)}" if several else ""
        click.echo(f"what it learnt{of}: {'the same to the last bit' if same else 'not the same'}")
    _print_epochs(replayed)
    if not replayed.same:
        click.echo("What may be the reason:")
        for line in replayed.reasons:
            click.echo(f"  {printable(line)}")
    click.echo(_verdict(replayed))


def _print_epochs(replayed: Replayed) -> None:
    others = [each for each in replayed.epochs if not each.same]
    up_to = "" if replayed.last is None else f" up to step {replayed.last}, where it ended"
    if replayed.epochs:
        told = f"{len(others)} differ" if others else "all the same"
        click.echo(f"{counted(len(replayed.epochs), 'mean')} logged by epoch{up_to}: {told}")
    for each in others[:OTHERS]:
        click.echo(
            f"  {printable(each.task)} {each.metric}, epoch {each.epoch}: {each.recorded:.10g} recorded, "
            f"{each.now:.10g} now"
        )


def _verdict(replayed: Replayed) -> str:
    name = printable(f"{replayed.study}/{replayed.number}")
    count = counted(len(replayed.compared), "number")
    if replayed.same:
        return f"{name}: the same, {count} compared"
    differ = sum(not each.same for each in replayed.compared)
    return f"{name}: not the same, {differ} of {count} differ"


def _told(each: Compared) -> str:
    return "equal" if each.same else f"{each.difference:+.3g}"


def _plain(replayed: Replayed) -> dict[str, Any]:
    values = asdict(replayed)
    for name in ("ends", "epochs"):
        own: tuple[Compared, ...] = getattr(replayed, name)
        for plain, each in zip(values[name], own, strict=True):
            plain |= {"same": each.same, "difference": each.difference}
            plain |= {
                key: None
                for key, value in plain.items()
                if isinstance(value, float) and not math.isfinite(value)
            }
        values[name] = list(values[name])
    return {**values, "same": replayed.same}
