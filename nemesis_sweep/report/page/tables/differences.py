"""What differs between the sweeps of a report, key by key of their files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Column, Line, Note, Piece, ReportTable, Section
from nemesis_sweep.spec.dump import resolved
from nemesis_sweep.spec.sweep import Sweep

ABSENT = "-"
SAID_ELSEWHERE = ("name", "resources", "tracking")
"""What does not change what a trial measures."""
CAPTION = (
    "Keys of the sweep files, defaults filled in, in which these sweeps differ; '-': not there. Read off "
    "what may explain a difference between their results."
)


def _make(material: Material) -> Iterator[ReportTable | Note]:
    if not material.several:
        return
    said = [dict(_flat(_told(sweep.sweep))) for sweep in material.sweeps]
    keys = dict.fromkeys(key for each in said for key in each)
    lines = [
        Line([key, *(each.get(key, ABSENT) for each in said)])
        for key in keys
        if len({each.get(key, ABSENT) for each in said}) > 1
    ]
    if not lines:
        yield Note("The files of these sweeps differ in nothing that changes what a trial measures.")
        return
    columns = [Column("key"), *(Column(sweep.name) for sweep in material.sweeps)]
    yield ReportTable("differences", "What differs between the sweeps", CAPTION, columns, lines)


def _told(sweep: Sweep) -> dict[str, Any]:
    return {key: value for key, value in resolved(sweep).items() if key not in SAID_ELSEWHERE}


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


PIECE = Piece(Section.RESULTS, 5, _make)
