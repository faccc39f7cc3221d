"""The names that a shell completes behind an option or in place of an argument.

Nothing heavy is imported: a person waits for it after every Tab.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def names(known: Callable[[], list[str]]) -> Completer:
    """Complete one of these names, or of several with commas between them the last."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        before, comma, _ = incomplete.rpartition(",")
        words = [f"{before}{comma}{name}" for name in known()]
        return [CompletionItem(word) for word in words if word.startswith(incomplete)]

    return complete


def trials_of(home: str) -> Completer:
    """Complete STUDY/NUMBER of the trials of a sweep, whose home is another parameter."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        place = Path(ctx.params.get(home) or "", "trials")
        words = sorted(f"{folder.parent.name}/{folder.name}" for folder in place.glob("*/*"))
        return [CompletionItem(word) for word in words if word.startswith(incomplete)]

    return complete


def shipped_names() -> list[str]:
    """The sweep files that ship."""
    from nemesis_sweep.spec.start import shipped

    return shipped.shipped_names()


def dataset_names() -> list[str]:
    """The datasets that have a name."""
    from nemesis_sweep.data import registry

    return registry.dataset_names()


def backbone_names() -> list[str]:
    """The backbones that have a name without a tag."""
    from nemesis_sweep.vlm import registry

    return registry.backbone_names()
