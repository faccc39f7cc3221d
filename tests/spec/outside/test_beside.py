"""Modules beside a sweep file: found where Python has none of their name, and never in front of any."""

import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.outside.beside import BESIDE
from nemesis_sweep.spec.outside.reference import load


@pytest.fixture
def folder(tmp_path: Path):
    """A folder in which modules are looked for, with functions to write them."""
    BESIDE.look_in(tmp_path)
    yield tmp_path
    BESIDE.look_in(None)


def write(place: Path, text: str) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    return place


def test_a_module_and_what_it_imports_from_there(folder):
    write(folder / "own_a.py", "import own_b\n\ndef f():\n    import own_c\n    return own_b.X + own_c.X\n")
    write(folder / "own_b.py", "X = 1\n")
    write(folder / "own_c.py", "X = 2\n")
    write(folder / "other.py", "raise RuntimeError('nobody asked for this one')\n")
    assert load("own_a:f")() == 3
    assert [file.name for file in BESIDE.files("own_a")] == ["own_a.py", "own_b.py", "own_c.py"]


def test_a_package_is_taken_whole(folder):
    write(folder / "own_pkg" / "__init__.py", "")
    write(folder / "own_pkg" / "inner.py", "from . import names\nfrom own_beside import Y\nX = names.X + Y\n")
    write(folder / "own_pkg" / "names.py", "X = 1\n")
    write(folder / "own_pkg" / "table.csv", "1\n")
    write(folder / "own_beside.py", "Y = 1\n")
    assert load("own_pkg.inner:X") == 2
    names = [BESIDE.relative(file) for file in BESIDE.files("own_pkg")]
    inside = ["__init__.py", "inner.py", "names.py", "table.csv"]
    assert names == ["own_beside.py", *(f"own_pkg/{name}" for name in inside)]


def test_modules_that_a_home_keeps_are_found_too(folder):
    write(folder / "modules" / "own_kept.py", "X = 3\n")
    assert load("own_kept:X") == 3
    assert [BESIDE.relative(file) for file in BESIDE.files("own_kept")] == ["own_kept.py"]


def test_nothing_of_pythons_or_installed_is_shadowed(folder):
    write(folder / "statistics.py", "mean = 'mine'\n")
    write(folder / "optuna.py", "raise RuntimeError('mine')\n")
    assert load("statistics:mean") is statistics.mean
    assert BESIDE.files("statistics") == []
    with pytest.raises(UserError) as refused:
        load("statistics:my_mean")
    told = str(refused.value)
    assert (
        f"{folder / 'statistics.py'} is not looked at, as Python has a module of its name: rename it" in told
    )


def test_what_others_import_if_it_is_there_is_not_found_here(folder):
    """Packages try to import what need not be installed; the user's file of that name is none of it."""
    write(folder / "own_part.py", "X = 1\n")
    write(folder / "uninstalled_package.py", "raise RuntimeError('mine')\n")
    assert load("own_part:X") == 1
    with pytest.raises(ModuleNotFoundError):
        import uninstalled_package  # noqa: F401


def test_a_module_that_was_changed_is_read_anew(folder):
    write(folder / "own_changing.py", "X = 1\n")
    assert load("own_changing:X") == 1
    write(folder / "own_changing.py", "X = 2\n")
    assert load("own_changing:X") == 2
    assert not (folder / "__pycache__").exists()


def test_another_folder_has_modules_of_its_own(folder, tmp_path_factory):
    write(folder / "own_same.py", "X = 'one'\n")
    assert load("own_same:X") == "one"
    other = tmp_path_factory.mktemp("other")
    write(other / "own_same.py", "X = 'other'\n")
    BESIDE.look_in(other)
    assert load("own_same:X") == "other"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import nowhere_at_all\n", "No module named 'nowhere_at_all' (line 1 of {file})"),
        ("\nX = 1 / 0\n", "ZeroDivisionError: division by zero (line 2 of {file})"),
        ("X = (\n", "(line 1 of {file})"),
        ("import sys\n\nsys.exit(3)\n", "SystemExit: 3 (line 3 of {file})"),
        ("import json\n\njson.loads('{')\n", "(line 3 of {file})"),
    ],
)
def test_an_import_that_fails_is_told_with_the_line_of_the_users_file(folder, text, told):
    file = write(folder / "own_broken.py", text)
    with pytest.raises(UserError) as refused:
        load("own_broken:X")
    message = str(refused.value)
    assert message.startswith("own_broken cannot be imported: ") and "\n" not in message
    assert told.format(file=file) in message


def test_names_that_are_not_there(folder):
    write(folder / "own_names.py", "Prompt = 1\n")
    with pytest.raises(UserError, match=r"own_names has no Promt .* Did you mean 'own_names:Prompt'\?"):
        load("own_names:Promt")
    with pytest.raises(UserError, match=r"there is no module own_nams.*Did you mean 'own_names:Prompt'\?"):
        load("own_nams:Prompt")


def test_a_process_of_its_own_has_an_untouched_path(tmp_path):
    """The folder itself is on nobody's path."""
    write(tmp_path / "own_part.py", "import sys\nX = [entry for entry in sys.path]\n")
    code = (
        "from pathlib import Path\nfrom nemesis_sweep.spec.outside.beside import BESIDE\n"
        "from nemesis_sweep.spec.outside.reference import load\n"
        f"BESIDE.look_in(Path({str(tmp_path)!r}))\nprint({str(tmp_path)!r} in load('own_part:X'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
