"""The floors: every module imports only from its own floor and those below."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "nemesis_sweep"
FLOORS = [
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
]
MODULES = sorted(path for floor in FLOORS for path in (PACKAGE / floor).glob("*.py"))


def imported_floors(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.split(".")[1] for name in names if name.startswith("nemesis_sweep.")}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_module_imports_only_downward(path):
    own = FLOORS.index(path.parent.name)
    above = {floor for floor in imported_floors(path) if FLOORS.index(floor) > own}
    assert not above


def test_every_folder_of_the_package_is_a_floor():
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders <= set(FLOORS)


def test_no_file_has_a_name_that_says_nothing():
    vague = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert not [path for path in PACKAGE.rglob("*.py") if path.stem in vague]
