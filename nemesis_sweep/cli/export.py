"""`nemesis-sweep export`: what was learnt, for programs that know nothing of this package."""

from __future__ import annotations

from pathlib import Path

import click

from nemesis_sweep.cli.options import GivenPath
from nemesis_sweep.cli.prompt_option import classnames, learnt, prompt, task
from nemesis_sweep.messages.printable import printable


@click.command("export")
@prompt
@task
@click.option("--to", required=True, type=GivenPath(), help="Folder to write into.")
@classnames
@click.option("--seed", type=int, help="One of the prompt's seeds [default: the first].")
def command(prompt: str | None, task: str, to: Path, classnames: list[str] | None, seed: int | None) -> None:
    """Write the text features of a prompt's classes, `text_features.safetensors` and `.json`, into a folder.

    With them plain open_clip classifies as the prompt does: docs/prediction.md shows the three lines.
    """
    with learnt(prompt, task) as (found, about):
        from nemesis_sweep.training.classifier import Classifier
        from nemesis_sweep.training.export import FILES, export_text_features

        classifier = Classifier(found, classnames=classnames, seed=found.seeds[0] if seed is None else seed)
        export_text_features(classifier, to, about)
    rows, columns = classifier.text_features.shape
    click.echo(f"By {printable(about)}, seed {classifier.seeds[0]}")
    click.echo(f"Text features ({rows}, {columns})  {printable(str(to / FILES.tensors))}")
