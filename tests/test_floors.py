"""The floors: every module imports only from its own floor and those below."""

import ast
from collections.abc import Sequence
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "nemesis_sweep"
FLOORS = [
    "messages",
    "files",
    "embedded",
    "spec",
    "vlm",
    "data",
    "prompts",
    "nemesis",
    "training",
    "tracking",
    "sweep",
    "report",
    "bench",
    "cli",
    "embedded/make",  # scripts that use the package; nothing of the package uses them
]
MODULES = sorted(PACKAGE.rglob("*/*.py"))


def floor_of(parts: Sequence[str]) -> int:
    """The floor of a module by its path below the package."""
    return FLOORS.index("embedded/make" if tuple(parts[:2]) == ("embedded", "make") else parts[0])


def imported_floors(path: Path) -> set[int]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {floor_of(name.split(".")[1:]) for name in names if name.startswith("nemesis_sweep.")}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_downward(path):
    own = floor_of(path.relative_to(PACKAGE).parts)
    above = {FLOORS[floor] for floor in imported_floors(path) if floor > own}
    assert not above


def test_every_folder_of_the_package_is_a_floor():
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders <= set(FLOORS)


def test_no_file_has_a_name_that_says_nothing():
    vague = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert not [path for path in PACKAGE.rglob("*.py") if path.stem in vague]
