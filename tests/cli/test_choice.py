"""Options that take one of a few words."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from nemesis_sweep.cli import main
from nemesis_sweep.cli.choice import Choice


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["export", "--to", "x", "--format", "onx"],
            "error: --format: no such choice; found 'onx'; allowed: open_clip, mlflow, onnx."
            " Did you mean 'onnx'?\n",
        ),
        (
            ["corrupt", "--split", "train"],
            "error: --split: no such choice; found 'train'; allowed: test, val\n",
        ),
        (
            ["bench", "step", "--precision", "FP23"],
            "error: --precision: no such choice; found 'FP23'; allowed: fp32, bf16, fp16."
            " Did you mean 'fp32'?\n",
        ),
    ],
)
def test_another_word_is_told_with_the_nearest(words: list[str], told: str) -> None:
    answer = CliRunner().invoke(main, words)
    assert (answer.exit_code, answer.stderr) == (2, told)


def commands(group: click.Group) -> Iterator[click.Command]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield from commands(command) if isinstance(command, click.Group) else [command]


def test_every_option_with_a_few_words_tells_the_nearest() -> None:
    kinds = [param.type for command in commands(main) for param in command.params]
    choices = [kind for kind in kinds if isinstance(kind, click.Choice)]
    assert choices and all(isinstance(kind, Choice) for kind in choices)
