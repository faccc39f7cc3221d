"""An option that takes one of a few words."""

from __future__ import annotations

from typing import Any

import click

from nemesis_sweep.cli.options import parameter_name
from nemesis_sweep.messages.errors import Problem, UserError, nearest


class Choice(click.Choice[str]):
    """One of a few words; another word is refused with those that are allowed and the nearest of them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            words = list(self.choices)
            found, allowed, near = repr(value), ", ".join(words), nearest(str(value), words)
            problem = Problem(
                "no such choice", parameter_name(param), found=found, allowed=allowed, nearest=near
            )
            raise UserError(problem) from error
