"""The report of a trained sweep: what it writes, where, and what it refuses."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from itertools import count

import pytest
from click.testing import CliRunner

from nemesis_sweep.cli import main
from nemesis_sweep.data import meter
from nemesis_sweep.report.page import build
from nemesis_sweep.report.page.build import write_report
from nemesis_sweep.report.page.html import FIGURE_FORMATS, TABLE_FORMATS
from nemesis_sweep.report.page.pieces import Section
from nemesis_sweep.report.page.registry import pieces
from nemesis_sweep.report.page.tables import results
from tests.report.page.made_rows import made_rows
from tests.report.page.materials import material_of


class Links(HTMLParser):
    """What a page loads and links to."""

    def __init__(self) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.loaded: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag, attributes) -> None:
        named = dict(attributes)
        if tag == "a":
            self.hrefs.append(named["href"])
        elif tag in ("script", "img", "iframe", "object", "link", "image"):
            self.loaded.append(named.get("src") or named.get("href") or named.get("xlink:href") or tag)
        if "id" in named:
            self.ids.append(named["id"])


@pytest.fixture(scope="module")
def links(report) -> Links:
    found = Links()
    found.feed((report / "report.html").read_text())
    return found


@pytest.fixture
def short(monkeypatch) -> None:
    """A page of two tables, for tests of where it goes."""
    few = pieces()[Section.RESULTS][:3]
    monkeypatch.setattr("nemesis_sweep.report.page.build.pieces", lambda: {Section.RESULTS: few})


def test_every_link_of_the_page_leads_to_a_file_or_a_place_in_it(report, links) -> None:
    assert len(links.hrefs) > 10
    for href in links.hrefs:
        assert href[1:] in links.ids if href.startswith("#") else (report / href).is_file(), href


def test_the_page_loads_nothing(links) -> None:
    assert [each for each in links.loaded if not each.startswith("data:")] == []


def test_no_two_things_of_the_page_share_an_id(report, links) -> None:
    own = [each for each in links.ids if not re.match(r"[A-Z]|[a-z]?[0-9a-f]{8,}|.*_\d+$", each)]
    assert len(own) == len(set(own))


def test_every_table_and_figure_is_there_in_every_format(report) -> None:
    for folder, formats in (("tables", TABLE_FORMATS), ("figures", FIGURE_FORMATS)):
        files = list((report / folder).iterdir())
        assert files
        assert {file.name for file in files} == {f"{file.stem}.{end}" for file in files for end in formats}


def test_the_same_records_make_the_same_files(home, report, tmp_path) -> None:
    again = write_report([home], tmp_path / "again").parent
    for file in sorted(report.rglob("*")):
        if file.is_file():
            assert file.read_bytes() == (again / file.relative_to(report)).read_bytes(), file


def test_a_report_takes_the_place_of_an_earlier_one(short, home, tmp_path) -> None:
    folder = tmp_path / "report"
    write_report([home], folder)
    (folder / "figures" / "old.svg").write_text("of an earlier version")
    write_report([home], folder)
    assert not (folder / "figures" / "old.svg").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def refused(*words) -> str:
    answer = CliRunner().invoke(main, ["report", *map(str, words)])
    assert answer.exit_code == 2, answer.output
    assert "Traceback" not in answer.output
    return answer.output


def test_a_folder_with_something_else_is_refused(home, tmp_path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    told = refused(home, "--to", tmp_path)
    assert "not a report, and not empty" in told
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_without_a_sweep_is_refused(tmp_path) -> None:
    assert "no sweep in this folder" in refused(tmp_path)


def test_a_home_is_given_twice_and_counts_once(short, home, tmp_path) -> None:
    page = write_report([home, home], tmp_path / "twice")
    assert "(made)" not in page.read_text()


def test_two_homes_stand_side_by_side(home, tmp_path) -> None:
    other = shutil.copytree(home, tmp_path / "other")
    text = write_report([home, other], tmp_path / "both").read_text()
    assert "plain CoOp (home)" in text
    assert "plain CoOp (other)" in text


def test_a_page_of_ones_own_and_files_beside_a_report_are_never_replaced(home, report, tmp_path) -> None:
    (tmp_path / "report.html").write_text("mine")
    assert "not a report, and not empty" in refused(home, "--to", tmp_path)
    folder = shutil.copytree(report, tmp_path / "thesis")
    (folder / "chapter.tex").write_text("mine")
    assert "holds more than a report (chapter.tex)" in refused(home, "--to", folder)
    assert [(tmp_path / "report.html").read_text(), (folder / "chapter.tex").read_text()] == ["mine", "mine"]


def test_the_current_folder_is_refused(home, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "the current folder" in refused(home, "--to", ".")
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_and_the_folder_that_it_leads_to_has_the_report(short, home, tmp_path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    write_report([home], tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "report.html").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "there"]


def test_the_next_sweep_is_not_written_where_the_next_report_takes_it_away(home, report) -> None:
    assert "within the report" in refused(home, "--next", report / "next.yaml")


def test_what_takes_long_tells_how_far_it_is(monkeypatch, tmp_path) -> None:
    clock = count(0.0, 4.0)
    monkeypatch.setattr(meter.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(build, "copies", lambda: 1)  # They wait by the same clock.
    monkeypatch.setattr(build, "pieces", lambda: {Section.RESULTS: [results.PIECE] * 3})
    told: list[str] = []
    build.fill(tmp_path, material_of(made=made_rows(2)), told.append)
    assert [line.split(",")[0] for line in told] == [
        f"writing the report: {done} of 3 parts" for done in (2, 3)
    ]


def test_every_caption_tells_over_how_many_replicates_a_mean_is(report) -> None:
    files = [*report.glob("tables/*.md"), *report.glob("figures/*.svg"), report / "report.html"]
    texts = {file.name: file.read_text() for file in files}
    assert [name for name, text in texts.items() if re.search(r"over (the )?replicates", text)] == []
    assert "mean over 3 replicates" in texts["accuracy-over-epochs.svg"]
    assert "± standard deviation over 3 replicates" in texts["class-accuracies.md"]


def test_homes_of_one_name_in_folders_of_one_name_are_told_apart_briefly(short, home, tmp_path) -> None:
    homes = [shutil.copytree(home, tmp_path / folder / "home") for folder in ("one", "two")]
    text = write_report(homes, tmp_path / "both").read_text()
    assert "plain CoOp (one/home)" in text
    assert "plain CoOp (two/home)" in text
