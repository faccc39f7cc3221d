"""All pieces of a page: every module of ``notes/``, ``tables/`` and ``figures/`` holds one as ``PIECE``."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from nemesis_sweep.report.page import figures, notes, tables
from nemesis_sweep.report.page.pieces import Piece, Section


def pieces() -> dict[Section, list[Piece]]:
    """The pieces of every section, in the order of the page."""
    found = [piece for package in (notes, tables, figures) for piece in _pieces_in(package)]
    found.sort(key=lambda piece: piece.place)
    return {section: [piece for piece in found if piece.section is section] for section in Section}


def _pieces_in(package: ModuleType) -> list[Piece]:
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return [importlib.import_module(f"{package.__name__}.{name}").PIECE for name in names]
