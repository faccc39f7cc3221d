"""What is compared image by image, from a sweep that was trained."""

import shutil
from dataclasses import replace

import pytest

from nemesis_sweep.report.best_records import write_best_records
from nemesis_sweep.report.page.contenders import BEST
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.mistakes import DRAWN, PLAIN, Mistakes, told_apart
from nemesis_sweep.report.page.record import read_sweeps
from nemesis_sweep.report.page.tables.classes import PIECE
from nemesis_sweep.sweep.predictions import FILE
from nemesis_sweep.tracking.sweep_run import RECORDS
from tests.report.page.two_trials import two_trials


def by_seed(row) -> dict[int, float]:
    return dict(zip(row.seeds, row.replicates["test/accuracy"], strict=True))


def test_won_less_lost_is_the_difference_of_the_accuracies(home):
    material = Material(read_sweeps([home]))
    tasks = {task.label: task for task in material.tasks}
    mistakes = material.mistakes
    assert len(mistakes.found) + len(mistakes.missing) == len(tasks)
    assert mistakes.found
    for versus in mistakes.found:
        best, coop = (by_seed(tasks[versus.label].contender(name).row) for name in (BEST, PLAIN))
        for number, seed in enumerate(versus.best.seeds):
            more = int(versus.won[number].sum()) - int(versus.lost[number].sum())
            assert 100 * more / len(versus.labels) == pytest.approx(best[seed] - coop[seed])
    for label in mistakes.missing:
        task = tasks[label]
        assert task.contender(BEST).row.number == task.contender(PLAIN).row.number


def test_of_a_home_without_predictions_a_line_says_so(home, tmp_path):
    shutil.copytree(home, tmp_path / "home")
    for file in (tmp_path / "home").rglob(FILE):
        file.unlink()
    material = Material(read_sweeps([tmp_path / "home"]))
    assert not material.mistakes.found
    told = [note.text for note in PIECE.make(material)]
    assert sum(text.count("digits") for text in told) == len(material.tasks)


def test_of_damaged_predictions_a_line_says_which_file_is_damaged(home, tmp_path):
    shutil.copytree(home, tmp_path / "home")
    files = list((tmp_path / "home").rglob(FILE))
    for file in files:
        file.write_bytes(file.read_bytes()[:-9])
    material = Material(read_sweeps([tmp_path / "home"]))
    assert not material.mistakes.found
    told = " ".join(note.text for note in PIECE.make(material))
    assert "there are no predictions" not in told
    assert any(
        f"{file.relative_to(tmp_path / 'home')} is not a Parquet file or is damaged" in told for file in files
    )


def test_the_records_of_a_winner_whose_predictions_are_damaged_lack_its_classes_alone(home, tmp_path):
    shutil.copytree(home, tmp_path / "home")
    for file in (tmp_path / "home").rglob(FILE):
        file.write_bytes(b"")
    for earlier in (tmp_path / "home").rglob(RECORDS):
        shutil.rmtree(earlier)
    (sweep,) = read_sweeps([tmp_path / "home"])
    folders = write_best_records(sweep.home.path, sweep.rows)
    assert folders
    for folder in folders:
        assert sorted(path.name for path in folder.iterdir()) == ["norms.parquet", "trial.png"]


def test_predictions_of_another_result_are_not_compared(home, tmp_path):
    shutil.copytree(home, tmp_path / "home")
    first, *others = sorted((tmp_path / "home").rglob(FILE), key=lambda file: file.stat().st_size)
    for file in others:
        shutil.copyfile(first, file)
    told = Material(read_sweeps([tmp_path / "home"])).mistakes.missing.values()
    assert any(why.endswith("does not give the accuracies of its trial") for why in told)


def test_pictures_are_of_the_last_task_of_each_test_set():
    sets = [two_trials([label], [[0]], [[1]]) for label in range(3)]
    found = [sets[0], sets[1], two_trials([0], [[2]], [[1]]), sets[2]]
    drawn = Mistakes(found, {}).drawn
    assert drawn == [found[2], sets[1], sets[2]]
    many = [two_trials([0] * n, [[0] * n], [[1] * n]) for n in range(1, DRAWN + 5)]
    assert len(Mistakes(many, {}).drawn) == DRAWN


def test_labels_in_other_alphabets_have_files_of_their_own():
    found = [replace(two_trials([0], [[0]], [[0]]), label=f"{name} 4-shot") for name in ("鳥", "猫", "犬")]
    assert len({versus.name for versus in told_apart(found)}) == 3
