"""Copies of the shipped sweep files: what they say, and the comments they keep."""

from pathlib import Path

import pytest

from nemesis_sweep.spec.dump import resolved
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.start.new_file import new_text
from nemesis_sweep.spec.start.shipped import FOLDER, first_line, shipped_file, shipped_names
from nemesis_sweep.sweep.names import known_names

NAMES = shipped_names()
CHANGES = {"dataset": ["caltech101"], "shots": [2, 8], "backbone": ["ViT-B-32@openai"]}


def comments(text: str) -> set[str]:
    """The comments behind values, but the name's own."""
    lines = [line for line in text.splitlines() if not line.startswith(("#", "name:"))]
    return {line.partition(" # ")[2] for line in lines if " # " in line}


def test_the_files_of_the_package_are_those_of_the_top_folder() -> None:
    top = Path(__file__).parents[3] / "search_spaces"
    assert {path.name: path.read_text() for path in FOLDER.glob("*")} == {
        path.name: path.read_text() for path in top.glob("*")
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_is_the_same_sweep_under_another_name(name: str, tmp_path: Path) -> None:
    text = new_text(shipped_file(name), "mine.yaml", "mine", {})
    (tmp_path / "mine.yaml").write_text(text)
    copy = load_sweep(tmp_path / "mine.yaml", known=known_names())
    assert resolved(copy) == resolved(load_sweep(shipped_file(name), ("name=mine",)))
    assert comments(text) == comments(shipped_file(name).read_text())
    assert "nemesis-sweep run mine.yaml" in text and first_line(name) in text
    assert "search_spaces/" not in text


@pytest.mark.parametrize("name", NAMES)
def test_other_tasks_are_those_of_the_same_overrides(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(new_text(shipped_file(name), "mine.yaml", "mine", CHANGES))
    overrides = [f"tasks.{key}=[{', '.join(map(str, values))}]" for key, values in CHANGES.items()]
    expected = load_sweep(shipped_file(name), ["name=mine", *overrides], known_names())
    assert resolved(load_sweep(tmp_path / "mine.yaml", known=known_names())) == resolved(expected)


@pytest.mark.parametrize("name", NAMES)
def test_other_tasks_say_no_longer_what_the_shipped_ones_cost(name: str) -> None:
    head, _, _ = new_text(shipped_file(name), "mine.yaml", "mine", CHANGES).partition("\nname:")
    assert "Costs" in shipped_file(name).read_text()
    assert "Costs" not in head and "downloaded" not in head and "Needs" not in head
    assert "nemesis-sweep plan mine.yaml" in head
    assert all(line.startswith("#") for line in head.splitlines())
