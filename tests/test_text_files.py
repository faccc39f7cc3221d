"""Text files are UTF-8 whatever the locale of the machine: every place that opens one says so."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "nemesis_sweep"
TEXT = {"read_text", "write_text", "fdopen", "TextIOWrapper"}
"""Calls that always mean text; `open` does unless its mode has a b."""


def without_an_encoding(tree: ast.AST) -> Iterator[int]:
    """Lines of calls that leave the encoding of a text to the locale."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        owner = getattr(getattr(node.func, "value", None), "id", "")
        given = {keyword.arg for keyword in node.keywords}
        texts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
        modes = {text for text in texts if isinstance(text, str) and set(text) <= set("rwaxbt+") and text}
        binary = any("b" in mode for mode in modes)
        opens = name == "open" and owner in ("", "path", "file") and not binary
        if name in ("run", "Popen", "check_output"):
            opens = bool(given & {"text", "universal_newlines"})
        writes = name in TEXT and isinstance(node.func, ast.Attribute)
        if (writes or opens) and not given & {"encoding", None} and "utf-8" not in texts and not binary:
            yield node.lineno


@pytest.mark.parametrize("text", ["path.read_text()", "open('x', 'a')", "run(command, text=True)"])
def test_what_is_found(text: str) -> None:
    assert list(without_an_encoding(ast.parse(text))) == [1]


def test_no_text_file_depends_on_the_locale() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line in without_an_encoding(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found, "\n".join(found)
