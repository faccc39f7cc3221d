"""`nemesis-sweep backbones`: the vision-language models that can be named, and what one is made of."""

from __future__ import annotations

import json

import click


@click.command("backbones")
@click.option("--check", metavar="NAME", help="Look into one backbone; nothing is downloaded.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(check: str | None, as_json: bool) -> None:
    """List the backbones: shipped ones, open_clip's with their published weights, and what is cached here.

    A sweep file names NAME@TAG (published weights), NAME (the first of them), NAME@random,
    NAME@FILE.safetensors, hf-hub:ORG/NAME, or a folder with open_clip_config.json. --check tells the sizes of
    one, whether its weights are on this machine, and whether its prompts share computation.
    """
    if check is not None:
        _check(check, as_json)
        return
    from nemesis_sweep.vlm.hub import cached_models
    from nemesis_sweep.vlm.registry import embedded_names

    embedded, hub, architectures = embedded_names(), cached_models(), _architectures()
    if as_json:
        names = {"embedded": embedded, "cached": hub, "architectures": architectures}
        click.echo(json.dumps(names, indent=2))
        return
    click.echo("shipped with the package:")
    for name in embedded:
        click.echo(f"  {name}")
    click.echo("Hugging Face repositories on this machine:")
    for name in hub or ["none"]:
        click.echo(f"  {name}")
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
        shown = _shown(key, value)
        if key == "logit_bias" and value is not None and facts["cached"] is False:
            shown += " before training; the weights, which are not here, have their own"
        click.echo(f"{key.replace('_', ' '):<16}{shown}")


def _shown(key: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        # What has no bias, or needs no weights, has none; the rest is not known without a download.
        return "none" if key in ("logit_bias", "cached") else "unknown"
    return str(value)
