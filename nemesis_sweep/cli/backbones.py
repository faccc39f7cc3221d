"""`nemesis-sweep backbones`: the vision-language models that can be named, and what one is made of."""

from __future__ import annotations

import json

import click


@click.command("backbones")
@click.option("--check", metavar="NAME", help="Look into one backbone; nothing is downloaded.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(check: str | None, as_json: bool) -> None:
    """List the backbones: the models that ship with the package and open_clip's architectures.

    A sweep file may also name NAME@TAG (published weights), NAME@random, NAME@FILE.safetensors, or a folder
    with open_clip_config.json. --check tells the size of one, and whether its prompts share computation.
    """
    if check is not None:
        _check(check, as_json)
        return
    from nemesis_sweep.vlm.registry import architecture_names, embedded_names

    if as_json:
        names = {"embedded": embedded_names(), "architectures": architecture_names()}
        click.echo(json.dumps(names, indent=2))
        return
    click.echo("shipped with the package:")
    for name in embedded_names():
        click.echo(f"  {name}")
    click.echo("open_clip architectures (NAME, NAME@TAG, NAME@random, NAME@FILE.safetensors):")
    for name in architecture_names():
        click.echo(f"  {name}")


def _check(name: str, as_json: bool) -> None:
    from dataclasses import asdict

    from nemesis_sweep.vlm.inspection import inspect_backbone

    facts = asdict(inspect_backbone(name))
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    shown = {True: "yes", False: "no", None: "none"}
    for key, value in facts.items():
        text = shown[value] if value is None or isinstance(value, bool) else value
        click.echo(f"{key.replace('_', ' '):<16}{text}")
