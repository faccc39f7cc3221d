"""`nemesis-sweep export`: what was learnt, for programs that know nothing of this package."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nemesis_sweep.cli.choice import Choice
from nemesis_sweep.cli.options import GivenPath
from nemesis_sweep.cli.prompt_option import classnames, home_of, learnt, prompt_argument, task
from nemesis_sweep.files.own_folder import refuse_uncreatable
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.passwords import masked
from nemesis_sweep.messages.printable import printable

if TYPE_CHECKING:
    from nemesis_sweep.training.classifier import Classifier, Learnt

OPEN_CLIP, MLFLOW, ONNX = "open_clip", "mlflow", "onnx"


@click.command("export")
@prompt_argument
@task
@click.option("--to", required=True, type=GivenPath(), help="Folder to write into.")
@click.option(
    "--format",
    "kind",
    type=Choice([OPEN_CLIP, MLFLOW, ONNX]),
    default=OPEN_CLIP,
    show_default=True,
    help="What is written.",
)
@click.option("--register", metavar="NAME", help="With mlflow: also a version of NAME in the registry.")
@classnames
@click.option("--seed", type=int, help="One of the prompt's seeds [default: the first; mlflow: all of them].")
def command(
    prompt: str | None,
    task: str,
    to: Path,
    kind: str,
    register: str | None,
    classnames: list[str] | None,
    seed: int | None,
) -> None:
    """Write what a prompt gives its classes into a folder.

    By default of the newest sweep's best; else of a sweep's HOME, the FOLDER of a prompt, or a RUN of MLflow.

    open_clip: its text features, with which plain open_clip classifies as the prompt does. mlflow: a model
    that `mlflow models serve` serves. onnx: image tower and text features as one graph, from pixels to
    probabilities. docs/prediction.md shows each at work.
    """
    if register is not None and kind != MLFLOW:
        raise click.UsageError("--register is of --format mlflow")
    refuse_uncreatable(to, "--to")  # Before the prompt and its backbone are read.
    with learnt(prompt, task) as (found, about):
        from nemesis_sweep.training.classifier import Classifier

        if kind == MLFLOW:
            classifier = Classifier(found, classnames=classnames, seed=seed)
            told = _model(found, classifier, to, about, register, prompt)
        else:
            one = found.seeds[0] if seed is None else seed
            classifier = Classifier(found, classnames=classnames, seed=one)
            told = (_graph if kind == ONNX else _features)(classifier, to, about)
    seeds = ", ".join(map(str, classifier.seeds))
    click.echo(f"By {printable(about)}, {'seed' if len(classifier.seeds) == 1 else 'seeds'} {seeds}")
    click.echo(told)


def _features(classifier: Classifier, to: Path, about: str) -> str:
    from nemesis_sweep.training.export import FILES, export_text_features

    export_text_features(classifier, to, about)
    rows, columns = classifier.text_features.shape
    return f"Text features ({rows}, {columns})  {printable(str(to / FILES.tensors))}"


def _graph(classifier: Classifier, to: Path, about: str) -> str:
    from nemesis_sweep.training.onnx_export import GRAPH, export_onnx

    difference = export_onnx(classifier, to, about)
    size = classifier.backbone.preprocess.image_size
    return (
        f"Pixels (n, 3, {size}, {size}) to probabilities (n, {len(classifier.classnames)}), at most "
        f"{difference:.1e} from torch  {printable(str(to / GRAPH))}"
    )


def _model(
    found: Learnt, classifier: Classifier, to: Path, about: str, register: str | None, named: str | None
) -> str:
    from nemesis_sweep.tracking.model_folder import save_model
    from nemesis_sweep.tracking.registering import registry

    # First: a name that is refused leaves nothing behind.
    place = None if register is None else registry(register, home_of(named))
    save_model(found, classifier, to, about)
    lines = [f"A model of {counted(len(classifier.classnames), 'class', 'classes')}  {printable(str(to))}"]
    if place is not None:
        version, uri = place.register(to), masked(place.uri)
        lines.append(f"Version {version} of {printable(place.name)}  in {printable(uri)}")
    return "\n".join(lines)
