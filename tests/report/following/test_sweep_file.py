from __future__ import annotations

import pytest
from click.testing import CliRunner

from nemesis_sweep.cli import main
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.report.following.sweep_file import next_name, next_text, write_next
from nemesis_sweep.report.page.notes.following import PIECE
from nemesis_sweep.spec.loader import load_sweep
from tests.report.page.made import SWEEP, Trial, material
from tests.small_disk import limited_files


def crowded():
    """Best trials with a strong PAN and a weak corruption; those of PUN are worse."""
    best = [Trial({"omega": 99.0 - n, "beta": 0.0, "corruption": 0.88}, 80 - n) for n in range(6)]
    rest = [Trial({"omega": 2.0 + n, "beta": 0.0, "corruption": 0.1 * n}, 50 - n) for n in range(8)]
    return material({"digits-1shot": best + rest})


@pytest.fixture
def file(tmp_path):
    write_next(crowded(), tmp_path / "next.yaml")
    return tmp_path / "next.yaml"


def test_the_file_is_valid_and_its_ranges_are_wider_where_the_best_trials_crowd(file) -> None:
    answer = CliRunner().invoke(main, ["validate", str(file)])
    assert answer.exit_code == 0, answer.output
    sweep = load_sweep(file)
    assert sweep.name == "made-2"
    assert (sweep.space["omega"].low, sweep.space["omega"].high) == (1, 1000)
    assert sweep.space["beta"].opened_by(0)["corruption"].high == 1


def test_everything_else_is_as_it_was(file) -> None:
    (record,) = crowded().sweeps
    left = {"name", "space"}
    assert load_sweep(file).model_dump(exclude=left) == record.sweep.model_dump(exclude=left)


def test_the_file_says_what_was_changed_and_why(file) -> None:
    top = file.read_text().partition("\nname:")[0]
    told = " ".join(line.removeprefix("# ").strip() for line in top.splitlines())
    why = "omega: 5 of the best 5 trials of digits 1-shot have the highest tenth of 1 to 100 (by chance 10%)"
    assert f"{why}; try 1 to 1000." in told


def test_the_page_says_the_same() -> None:
    told = [note.text for note in PIECE.make(crowded())]
    assert any("try 1 to 1000." in each for each in told)
    assert any("--next FILE" in each for each in told)


def test_without_an_edge_the_ranges_stay_and_the_file_says_why(tmp_path) -> None:
    trials = [Trial({"omega": 10.0, "beta": 1.0}, 60)] * 12
    write_next(material({"digits-1shot": trials}), tmp_path / "next.yaml")
    assert load_sweep(tmp_path / "next.yaml").space == load_sweep_text(tmp_path).space
    assert "# No range is wider: the best trials crowd at no edge" in (tmp_path / "next.yaml").read_text()


def load_sweep_text(folder):
    (folder / "made.yaml").write_text(SWEEP)
    return load_sweep(folder / "made.yaml")


def test_a_few_trials_change_nothing_and_the_file_says_so() -> None:
    text = next_text(material({"digits-1shot": [Trial({"omega": 99.0, "beta": 1.0}, 60)] * 3}))
    assert "no task has the 10 complete trials" in text


def test_what_a_wider_range_breaks_elsewhere_stays_as_it_was() -> None:
    text = SWEEP.replace("n_ctx: 4}", "n_positions: 4}").replace(
        "space:", "space:\n  n_ctx: {choices: [4, 8, 16]}"
    )
    trials = [Trial({"n_ctx": 4, "omega": 10.0, "beta": 1.0}, 60)] * 12
    made = next_text(material({"digits-1shot": trials}, text))
    assert "Left as it was: more positions than context vectors." in " ".join(made.replace("\n#", "").split())


def test_a_name_that_is_numbered_counts_on() -> None:
    assert [next_name(name) for name in ("pan", "pan-2", "pan-9", "a-b")] == [
        "pan-2",
        "pan-3",
        "pan-10",
        "a-b-2",
    ]
    assert len(next_name("x" * 80)) == 80


def refused(*words) -> str:
    answer = CliRunner().invoke(main, ["report", *map(str, words)])
    assert answer.exit_code == 2, answer.output
    assert "Traceback" not in answer.output
    return answer.output


def test_a_file_that_is_there_is_not_written_over(tmp_path) -> None:
    (tmp_path / "mine.yaml").write_text("mine")
    assert "there is such a file already" in refused(tmp_path, "--next", tmp_path / "mine.yaml")
    assert (tmp_path / "mine.yaml").read_text() == "mine"


def test_a_disk_without_room_for_it_is_told_with_its_place(tmp_path) -> None:
    told = r"^--next: the next sweep file cannot be written: File too large; found .*next\.yaml"
    with limited_files(100), pytest.raises(UserError, match=told):
        write_next(crowded(), tmp_path / "next.yaml")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_refused(tmp_path) -> None:
    assert "no such folder" in refused(tmp_path, "--next", tmp_path / "nowhere" / "next.yaml")
