"""CONTRIBUTING.md names what there is: floors, files, tables, make's targets, pytest's markers."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.test_floors import FLOORS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
QUOTED = sorted(set(re.findall(r"`([^`\n]+)`", PAGE)))
PATHS = [text for text in QUOTED if "/" in text or text.endswith(".md")]
TABLES = re.findall(r"`([A-Z]{4,})` in `(nemesis_sweep/[^`]+)`", PAGE)


@pytest.mark.parametrize("path", PATHS)
def test_every_path_is_there(path):
    assert (ROOT / path).exists()


def test_paths_are_found_in_it():
    assert len(PATHS) > 40


@pytest.mark.parametrize(("name", "path"), TABLES)
def test_every_table_is_where_it_is_said_to_be(name, path):
    assert re.search(rf"^{name}\b.*= ", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)


def test_tables_are_found_in_it():
    assert {name for name, _ in TABLES} >= {
        "PROMPTS",
        "ANNEALINGS",
        "SAMPLERS",
        "PRUNERS",
        "BASELINES",
        "VERBS",
    }


def test_the_picture_shows_all_floors_from_the_top():
    (picture,) = re.findall(r"\n```\n(.*?)```", PAGE, re.DOTALL)
    shown = [line.split()[0] for line in picture.splitlines()]
    assert shown == [name for name in reversed(FLOORS) if name != "embedded/make"]


def test_every_target_of_make_is_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"\bmake ([a-z-]+)", PAGE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_marker_is_explained():
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"][
        "ini_options"
    ]
    for marker in options["markers"]:
        assert f"arker `{marker.partition(':')[0]}`" in PAGE


def test_the_examples_of_pytest_are_there():
    for folder in re.findall(r"-m pytest (\S+)", PAGE):
        assert (ROOT / folder).exists()
