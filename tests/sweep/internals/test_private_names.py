"""Private names of Ray and Optuna: each is there, none is used elsewhere, a missing one is named."""

import ast
from importlib import metadata
from pathlib import Path

import optuna
import pytest
from click.testing import CliRunner

import nemesis_sweep
from nemesis_sweep.cli import main
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.sweep.internals import optuna_names, ray_names, tune_names
from nemesis_sweep.sweep.internals.private_names import importing, missing, refuse_missing
from nemesis_sweep.sweep.storage.journal import Journal

PACKAGE = Path(nemesis_sweep.__file__).parent
LISTED = [
    *optuna_names.NAMES,
    *optuna_names.DATABASE_NAMES,
    *ray_names.NAMES,
    *tune_names.NAMES,
]


@pytest.mark.parametrize("name", LISTED)
def test_the_installed_version_has_it(name):
    assert missing([name]) == []


@pytest.mark.parametrize(
    "name",
    [
        "optuna.nothing",
        "optuna.pruners.HyperbandPruner._nothing",
        "optuna.storages.journal._storage.JournalOperation.NOTHING",
        "optuna.storages.journal._nothing.get_lock_file",
        "optuna.trial.Trial._trial_id.nothing",
        "no_such_package.name",
    ],
)
def test_one_that_is_not_there_is_found_missing(name):
    assert missing([LISTED[0], name]) == [name]


def test_all_that_are_missing_are_told_with_package_and_version():
    with pytest.raises(UserError) as error:
        refuse_missing("optuna", ["optuna.trial.Trial._one", LISTED[0], "optuna._two"])
    version = metadata.version("optuna")
    assert [problem.message for problem in error.value.problems] == [
        f"optuna {version} lacks optuna.trial.Trial._one, which nemesis-sweep uses",
        f"optuna {version} lacks optuna._two, which nemesis-sweep uses",
    ]


def test_an_import_that_fails_is_told_too():
    told = r"optuna \d.* does not fit: cannot import name '_nothing'"
    with pytest.raises(UserError, match=told), importing("optuna"):
        from optuna.pruners import _nothing  # noqa: F401


def test_a_storage_is_not_opened_without_them(tmp_path, monkeypatch):
    monkeypatch.delattr(optuna.pruners.HyperbandPruner, "_try_initialization")
    with pytest.raises(UserError, match=r"lacks optuna\.pruners\.HyperbandPruner\._try_initialization"):
        Journal(tmp_path / "optuna.journal")


def test_the_command_line_tells_it_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(tune_names, "NAMES", ("ray.tune.experiment.Experiment._gone",))
    sweep = PACKAGE.parent / "search_spaces" / "pan.yaml"
    result = CliRunner().invoke(main, ["run", str(sweep), "--simulate", "--home", str(tmp_path / "home")])
    assert result.exit_code == 2
    (line,) = [line for line in result.stderr.splitlines() if "_gone" in line]
    told = f"ray {metadata.version('ray')} lacks ray.tune.experiment.Experiment._gone"
    assert told in line


def private_imports(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return [name for name in names if name.startswith(("ray.", "optuna.")) and "._" in name]


def private_attributes(path: Path) -> list[str]:
    """What is asked of Optuna's objects that they keep to themselves."""
    asked = {name.rpartition(".")[2] for name in LISTED if name.rpartition(".")[2].startswith("_")}
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in asked
        and ast.unparse(node.value) not in ("self", "super()")
    ]


def test_they_are_used_in_their_own_files_only():
    others = [path for path in (PACKAGE / "sweep").rglob("*.py") if path.parent.name != "internals"]
    assert len(others) > 50
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name != "internals":
            assert private_imports(path) == [], path
    for path in others:
        assert private_attributes(path) == [], path


def test_what_is_private_has_upper_bounds():
    text = (PACKAGE.parent / "pyproject.toml").read_text()
    for package in ("ray[default,tune]", "optuna"):
        line = next(line for line in text.splitlines() if line.strip().startswith(f'"{package}>='))
        assert ",<" in line
