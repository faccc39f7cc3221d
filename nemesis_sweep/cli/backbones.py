"""`nemesis-sweep backbones`: the vision-language models that can be named, and what one is made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nemesis_sweep.cli.completion import backbone_names, names
from nemesis_sweep.messages.printable import printable

if TYPE_CHECKING:
    from nemesis_sweep.vlm.export import Exported


@click.command("backbones")
@click.option(
    "--check",
    metavar="NAME",
    shell_complete=names(backbone_names),
    help="Look into one backbone; nothing is downloaded.",
)
@click.option(
    "--export",
    nargs=2,
    metavar="NAME FOLDER",
    help="Write one as plain open_clip reads it, into a new folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(check: str | None, export: tuple[str, str] | None, as_json: bool) -> None:
    """List the backbones: shipped ones, families of transformers, open_clip's with their published weights.

    A sweep file names NAME@TAG (published weights), NAME (the first of them), NAME@random,
    NAME@FILE.safetensors, hf-hub:ORG/NAME, or a folder with open_clip_config.json or with a model of
    transformers of one of the listed families. --check tells the sizes of
    one, whether its weights are on this machine, and whether its prompts share computation.

    --export writes open_clip_config.json and open_clip_model.safetensors, with every row of the token table,
    which the shipped models leave out as far as it is not used. open_clip loads the folder as
    local-dir:FOLDER.
    """
    if check is not None and export is not None:
        raise click.UsageError("--check and --export are two things: one of them")
    if check is not None:
        _check(check, as_json)
        return
    if export is not None:
        _export(export[0], Path(export[1]), as_json)
        return
    from nemesis_sweep.vlm.dual_encoders.described import is_dual_encoder
    from nemesis_sweep.vlm.dual_encoders.families import FAMILIES
    from nemesis_sweep.vlm.hub import cached_models
    from nemesis_sweep.vlm.registry import embedded_names

    embedded, hub, architectures = embedded_names(), cached_models(is_dual_encoder), _architectures()
    families = {
        name: {"title": each.title, "class": each.model_class, "path": each.path}
        for name, each in FAMILIES.items()
    }
    if as_json:
        names = {"embedded": embedded, "cached": hub, "architectures": architectures, "families": families}
        click.echo(json.dumps(names, indent=2))
        return
    click.echo("shipped with the package:")
    for name in embedded:
        click.echo(f"  {name}")
    click.echo("Hugging Face repositories on this machine:")
    for name in hub or ["none"]:
        click.echo(f"  {name}")
    click.echo("models of transformers, by the model_type in config.json (a folder, or hf-hub:ORG/NAME):")
    for name, each in families.items():
        click.echo(f"  {name:<20}{each['class']:<30}{each['path']:<8}{each['title']}")
    click.echo("open_clip architectures and their published weights (NAME@TAG; * is on this machine):")
    width = max(map(len, architectures), default=0) + 2
    for name, tags in architectures.items():
        shown = ", ".join(tag + "*" * here for tag, here in tags.items()) or "no published weights"
        click.echo(f"  {name:<{width}}{shown}")


def _architectures() -> dict[str, dict[str, bool]]:
    """Architecture -> tag -> whether its weights are in the local cache."""
    from nemesis_sweep.vlm.hub import cached
    from nemesis_sweep.vlm.published import hub_files, published
    from nemesis_sweep.vlm.registry import architecture_names

    table = published()
    return {
        name: {tag: cached(*hub_files(entry)) is not None for tag, entry in table.get(name, {}).items()}
        for name in architecture_names()
    }


def _check(name: str, as_json: bool) -> None:
    from dataclasses import asdict

    from nemesis_sweep.vlm.inspection import inspect_backbone

    facts = asdict(inspect_backbone(name))
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    for key, value in facts.items():
        if key == "scale_stored" or value == "":
            continue
        shown = _shown(key, value)
        if key == "logit_bias" and value is not None and facts["cached"] is False:
            shown += " before training; the weights, which are not here, have their own"
        if key == "logit_scale" and not facts["scale_stored"]:
            shown += ": the weights store none, tasks.logit_scale sets it"
        click.echo(f"{key.replace('_', ' '):<16}{shown}")


def _shown(key: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        # What has no bias, or needs no weights, has none; the rest is not known without a download.
        return "none" if key in ("logit_bias", "cached") else "unknown"
    if key == "logit_scale" and isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def _export(name: str, folder: Path, as_json: bool) -> None:
    from nemesis_sweep.messages.errors import Problem, UserError

    # Before a large model is loaded; an empty folder is as good as a new one.
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        found = f"{folder}, {'which is not empty' if folder.is_dir() else 'a file'}"
        raise UserError(Problem("not a place for a model", "--export", found=found, allowed="a new folder"))

    from nemesis_sweep.vlm.export import export_backbone

    exported = export_backbone(name)
    try:
        _write(exported, folder)
    except OSError as error:
        found = f"{error.filename or folder}: {error.strerror}"
        raise UserError(Problem("the model cannot be written", "--export", found=found)) from error
    if as_json:
        facts = {"folder": str(folder), "vocabulary": exported.vocabulary, "known_tokens": exported.known}
        click.echo(json.dumps(facts, indent=2))
        return
    click.echo(printable(f"{name} is in {folder}. In Python:"))
    click.echo(f"  model, preprocess = open_clip.create_model_from_pretrained({f'local-dir:{folder}'!r})")
    click.echo("  model.eval()")
    click.echo(f"  tokenizer = open_clip.get_tokenizer({f'local-dir:{folder}'!r})")
    if exported.known < exported.vocabulary:
        known = f"{exported.known:,} of {exported.vocabulary:,} tokens"
        click.echo(f"It was trained with {known}; the others are read as nothing.")


def _write(exported: Exported, folder: Path) -> None:
    """The configuration last: a folder that has it is whole."""
    from nemesis_sweep.files.atomic import replacing
    from nemesis_sweep.files.tensor_file import write_tensors
    from nemesis_sweep.vlm.hub import CONFIG_FILE, WEIGHTS

    folder.mkdir(parents=True, exist_ok=True)
    if exported.tokenizer is not None:
        exported.tokenizer.save_pretrained(folder)
    write_tensors(folder / WEIGHTS[0], exported.weights, {"format": "pt"})
    with replacing(folder / CONFIG_FILE) as partial:
        partial.write_text(json.dumps(exported.config, indent=2) + "\n", encoding="utf-8")
