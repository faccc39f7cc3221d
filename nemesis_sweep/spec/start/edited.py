"""Values in the text of a sweep file, replaced or taken away; everything else stays as it was written.

The keys concerned stand on lines of their own, in YAML's block form, as those of the shipped files do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from nemesis_sweep.messages.faults import Key
from nemesis_sweep.spec.dump import inline_yaml
from nemesis_sweep.spec.source import PlainLoader, read_text

COLUMN = 33
"""Where comments behind a value begin."""


def with_value(text: str, path: Sequence[Key], value: Any, comment: str = "") -> str:
    """Return the text with ``value`` at the keys ``path``; a new key comes first in its section.

    comment: what stands behind the value, in place of what stood there.
    """
    lines = text.splitlines()
    span = _span(text, path)
    if span is None:
        parent = _span(text, path[:-1])
        if parent is None:
            raise KeyError(path)
        span = slice(parent.start + 1, parent.start + 1)
        indent = re.match(r"\s*", lines[span.start])
    else:
        indent = re.match(r"\s*", lines[span.start])
    line = f"{indent[0] if indent else ''}{path[-1]}: {inline_yaml(value)}"
    lines[span] = [f"{line.ljust(COLUMN - 1)} # {comment}" if comment else line]
    return "\n".join(lines) + "\n"


def without(text: str, path: Sequence[Key]) -> str:
    """Return the text without the key at ``path``, and without what held it where that is empty then."""
    lines = text.splitlines()
    span = _span(text, path)
    if span is None:
        raise KeyError(path)
    del lines[span]
    shorter = "\n".join(lines) + "\n"
    held: Any = read_text(shorter, "").data
    for key in path[:-1]:
        held = held[key]
    return without(shorter, path[:-1]) if held is None else shorter


def _span(text: str, path: Sequence[Key]) -> slice | None:
    """The lines of a key and its value, None where there is no such key."""
    node: Any = yaml.compose(text, Loader=PlainLoader)
    found = None
    for key in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next((pair for pair in pairs if pair[0].value == str(key)), None)
        if found is None:
            return None
        node = found[1]
    if found is None:
        return None
    # The end of a collection in block form is where the next thing begins, comments before it included.
    last = max(leaf.end_mark.line for leaf in _leaves(node))
    return slice(found[0].start_mark.line, max(last, found[0].start_mark.line) + 1)


def _leaves(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        for item in node.value:
            for each in item if isinstance(item, tuple) else (item,):
                yield from _leaves(each)
    else:
        yield node
