"""The floors: every module imports only from its own floor and those below."""

import ast
from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
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
    "testing",
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


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(path: Path, modules: Collection[str]) -> set[str]:
    """The modules of the package that a module imports when it runs, also those within its functions."""
    names: set[str] = set()
    nodes: list[ast.AST] = [ast.parse(path.read_text())]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            nodes += node.orelse
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= inner & set(modules) or {node.module}
        else:
            nodes += ast.iter_child_nodes(node)
    return names & set(modules)


def circle(imports: Mapping[str, Collection[str]]) -> list[str]:
    """Modules that import each other in turn, the first one at the end again; none if there is no circle."""
    sorter = TopologicalSorter(imports)
    try:
        sorter.prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_downward(path):
    own = floor_of(path.relative_to(PACKAGE).parts)
    above = {FLOORS[floor] for floor in imported_floors(path) if floor > own}
    assert not above


def test_no_modules_import_each_other_in_a_circle():
    paths = {module_name(path): path for path in PACKAGE.rglob("*.py")}
    assert circle({name: imported_modules(path, paths) for name, path in paths.items()}) == []


def test_a_circle_is_found(tmp_path):
    package = tmp_path / PACKAGE.name
    package.mkdir()
    (package / "one.py").write_text("def late():\n    from nemesis_sweep.two import x\n")
    (package / "two.py").write_text("from nemesis_sweep import three\n")
    (package / "three.py").write_text("from typing import TYPE_CHECKING\nimport nemesis_sweep.one\n")
    paths = {f"{PACKAGE.name}.{path.stem}": path for path in package.iterdir()}
    imports = {name: imported_modules(path, paths) for name, path in paths.items()}
    assert set(circle(imports)) == set(paths)
    (package / "three.py").write_text("if TYPE_CHECKING:\n    import nemesis_sweep.one\n")
    assert circle({name: imported_modules(path, paths) for name, path in paths.items()}) == []


def test_every_folder_of_the_package_is_a_floor():
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders <= set(FLOORS)


def test_no_file_has_a_name_that_says_nothing():
    vague = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert not [path for path in PACKAGE.rglob("*.py") if path.stem in vague]
