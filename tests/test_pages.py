"""The pages as a whole: the index has them all, links and pictures are there, other programs read records."""

import contextlib
import io
import json
import re
import shlex
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from pathlib import Path

import pytest
import yaml

from tests.trained_home import make_home

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
LARGEST = 150_000
"""Bytes of a picture."""


def links(page: Path) -> list[str]:
    """The files that a page links to or shows."""
    found = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    return [link for link in found if "://" not in link]


def test_the_index_has_every_page() -> None:
    found = {Path(link).name for link in links(ROOT / "docs/index.md")}
    assert found >= {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    missing = [link for link in links(page) if not (page.parent / link).exists()]
    assert not missing


def test_every_page_that_is_named_is_there() -> None:
    named = {name for page in PAGES for name in re.findall(r"`(docs/[\w-]+\.md)`", page.read_text("utf-8"))}
    assert len(named) > 10
    assert not [name for name in named if not (ROOT / name).exists()]


def test_every_picture_is_shown_and_small() -> None:
    shown = {(page.parent / link).resolve() for page in PAGES for link in links(page)}
    for picture in (ROOT / "docs/pictures").iterdir():
        assert picture in shown
        assert picture.stat().st_size < LARGEST


def test_the_citation_is_of_this_version_and_names_the_paper() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (citation["title"], citation["version"], citation["license"]) == (
        project["name"],
        project["version"],
        project["license"],
    )
    assert {"cff-version", "message", "authors"} <= set(citation)
    assert [each["url"] for each in citation["references"]] == ["https://arxiv.org/abs/2408.13979"]


@pytest.fixture(scope="module")
def sweeps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `sweeps/pan`, a sweep that was run to its end."""
    folder = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as patch:
        home = make_home(folder, patch)
    (folder / "sweeps").mkdir()
    home.rename(folder / "sweeps" / "pan")
    return folder


def test_the_results_are_read_in_sql(sweeps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    duckdb = pytest.importorskip("duckdb")
    monkeypatch.chdir(sweeps)
    page = (ROOT / "docs/report.md").read_text(encoding="utf-8")
    trials, seeds = re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    for code in (trials, seeds):
        with contextlib.redirect_stdout(io.StringIO()) as told:
            exec(code, {})
        assert "digits-1shot" in told.getvalue()
    (query,) = re.findall(r'"""(.*?)"""', seeds, re.DOTALL)
    rows = duckdb.sql(query).fetchall()
    # Plain CoOp and the best, if it is another trial, with two seeds each.
    assert [row[2] for row in rows] == [1, 2] * (len(rows) // 2)
    assert "coop" in {row[1] for row in rows}


def test_optuna_dashboard_shows_every_study(sweeps: Path) -> None:
    pytest.importorskip("optuna_dashboard")
    page = (ROOT / "docs/search.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^optuna-dashboard .*$", page, re.MULTILINE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = "from optuna_dashboard._cli import main; main()"
    words = [sys.executable, "-c", start, *shlex.split(line)[1:], "--port", str(port)]
    server = subprocess.Popen(words, cwd=sweeps, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        studies = asked(f"http://127.0.0.1:{port}/api/studies")["study_summaries"]
    finally:
        server.terminate()
        server.wait(30)
    assert {study["study_name"] for study in studies} == {"digits-1shot", "digits-1shot/baselines"}


def asked(address: str) -> dict:
    """What a server that is still starting answers."""
    for _ in range(600):
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=10) as answer:
            return json.loads(answer.read())
        time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")
