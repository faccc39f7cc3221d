"""What of the folder of a sweep file belongs to the sweep, and when it means another one."""

from pathlib import Path

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.compare import diff
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.outside import kept
from tests.spec.files import KNOWN, write
from tests.spec.outside.parts import KINDS

TEXT = """
name: own
tasks: {dataset: [clipart]}
method: {prompt: "own_kinds:Deep"}
budget: {trials: 0}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "own_kinds.py").write_text("import own_more\n" + KINDS)
    (tmp_path / "own_more.py").write_text("")
    (tmp_path / "own_impl.py").write_text("Deep = None\n")
    (tmp_path / "unrelated.py").write_text("")
    return write(tmp_path, TEXT)


def test_the_modules_that_it_names_and_those_that_they_import(file):
    modules = load_sweep(file, known=KNOWN).modules
    assert sorted(modules.files) == ["own_impl.py", "own_kinds.py", "own_more.py"]
    assert modules.trained == set(modules.files)
    assert load_sweep(file, ["method.prompt=coop"], KNOWN).modules.files == {}


def test_changed_code_is_another_sweep_and_a_comment_is_none(file):
    before = load_sweep(file, known=KNOWN)
    more = file.with_name("own_more.py")
    more.write_text("# What this is for.\n")
    assert diff(before, load_sweep(file, known=KNOWN), comparable_only=True) == []
    more.write_text("X = 2\n")
    assert diff(before, load_sweep(file, known=KNOWN), comparable_only=True) == ["own_more.py: its code"]


def test_too_much_is_no_code(file, monkeypatch):
    monkeypatch.setattr(kept, "LARGEST", 100)
    with pytest.raises(UserError, match="the modules beside the sweep file are too large"):
        load_sweep(file, known=KNOWN)
