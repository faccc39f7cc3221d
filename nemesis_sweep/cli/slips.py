"""Arguments as other tools have them, `epochs=3` or `--epochs 3` for `--set`, and misspelt options."""

from __future__ import annotations

from difflib import get_close_matches

import click

from nemesis_sweep.messages.printable import quoted

SETTABLE = "overrides"
"""The parameter of the verbs that take `--set`."""
GOES_ON = ("--resume", "--continue")
"""What other tools want to be told where `run` does it by itself."""
ALIKE = 0.8
"""How near an option has to be, from 0 to 1: `--epochs` is no `--report`."""


def meant_arguments(error: click.UsageError, arguments: list[str]) -> str:
    """Return the right form of the arguments that a verb does not have, as one line; '' where none is known.

    arguments: all words behind the verb.
    """
    verb = error.ctx.command if error.ctx else None
    if verb is None or SETTABLE not in {each.name for each in verb.params}:
        return ""
    if verb.name in ("run", "submit") and set(GOES_ON) & set(arguments):
        return "the same command without it, which goes on where the sweep stopped"
    options = {name for each in verb.params for name in each.opts if name.startswith("-")}
    return " ".join(dict.fromkeys(form for form in _forms(arguments, options) if form))


def _forms(arguments: list[str], options: set[str]) -> list[str]:
    found = []
    before = ""
    for place, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        key = name.lstrip("-+~").replace("-", "_") if name.startswith("-") else name.lstrip("+~")
        if name.startswith("-") and name not in options and len(key) > 1:
            if not equals:
                value = arguments[place + 1] if place + 1 < len(arguments) else ""
            found.append(_option(name, value, options) or _form(key, value))
        elif equals and not name.startswith("-") and before not in options:
            found.append(_form(key, value))
        before = word
    return found


def _option(name: str, value: str, options: set[str]) -> str:
    """The option of the verb itself that is misspelt; '' where none is near, as of a name of our own."""
    long = [each.removeprefix("--") for each in options - {"--set"} if each.startswith("--")]
    near = get_close_matches(name.removeprefix("--"), long, n=1, cutoff=ALIKE)
    if not near or not name.startswith("--"):
        return ""
    return f"--{near[0]} {quoted(value)}" if value and not value.startswith("-") else f"--{near[0]}"


def _form(key: str, value: str) -> str:
    from nemesis_sweep.spec.other_dimensions import our_form, written
    from nemesis_sweep.spec.other_keys import full_key
    from nemesis_sweep.spec.sections import NESTED, SECTIONS

    place = full_key(key, SECTIONS)
    if not place or place in NESTED or not value or value.startswith("--"):
        return ""
    section, _, name = place.partition(".")
    form = our_form(value) if section in ("method", "space") else None
    if form is None:
        return f"--set {quoted(f'{place}={value}')}"
    return f"--set {quoted(f'space.{name}={written(form)}')}"
