"""What is shown on one line of a terminal."""

import subprocess

import pytest

from nemesis_sweep.messages.errors import Problem
from nemesis_sweep.messages.printable import printable, quoted


@pytest.mark.parametrize(
    "text", ["two\nlines", "a\x1b[31m", "\r", "\x08", "\u202e", "\udce9", "\x85", "tab\t"]
)
def test_what_cannot_be_printed_is_escaped_everywhere(text: str) -> None:
    assert printable(text).isprintable()
    problem = Problem(text, text, text, 3, text, text, text)
    assert str(problem).isprintable()


def test_letters_stay() -> None:
    assert printable("Größe ☃ 'x' \\") == "Größe ☃ 'x' \\"


@pytest.mark.parametrize("text", ["plain", "with space", "it's", "two\nlines", "a\n'b' \\n", "\x1b[31m"])
def test_a_shell_reads_back_what_is_quoted(text: str) -> None:
    assert quoted(text).isprintable()
    read = subprocess.run(["bash", "-c", f"printf %s {quoted(text)}"], capture_output=True, encoding="utf-8")
    assert read.stdout == text
