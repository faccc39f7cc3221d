"""What datasets and backbones are called: the last part of a path, as far as that tells them apart."""

from __future__ import annotations

from nemesis_sweep.report.page.figures import accuracy_over_shots
from nemesis_sweep.report.page.short_names import short_names
from nemesis_sweep.report.page.style import styled
from nemesis_sweep.report.page.tables import published, results
from tests.report.conftest import row
from tests.report.page.materials import material_of, table_of


def test_a_path_is_called_by_its_last_part() -> None:
    assert short_names(["digits", "./photos/birds", "torchvision:CIFAR10"]) == {
        "digits": "digits",
        "./photos/birds": "birds",
        "torchvision:CIFAR10": "torchvision:CIFAR10",
    }


def test_paths_that_end_alike_are_told_apart_by_more_of_them() -> None:
    assert short_names(["a/x/birds", "b/x/birds", "birds", "cats"]) == {
        "a/x/birds": "a/x/birds",
        "b/x/birds": "b/x/birds",
        "birds": "birds",
        "cats": "cats",
    }
    assert short_names(["./a/birds", "a/birds"]) == {"./a/birds": "./a/birds", "a/birds": "a/birds"}


def test_two_folders_of_one_name_are_two_tasks_everywhere() -> None:
    rows = [
        row(number, [60.0], [value], baseline=number, study=f"{folder}-{shots}", task=f"{folder}-{shots}",
            dataset=f"./{folder}/birds", shots=shots)
        for folder, value in (("a", 50.0), ("b", 70.0))
        for shots in (1, 4)
        for number in ("zero_shot", "coop")
    ]  # fmt: skip
    material = material_of(made=rows)
    groups = {line.group for line in table_of(results.PIECE, material).lines}
    assert groups == {f"{folder}/birds {shots}-shot" for folder in "ab" for shots in (1, 4)}
    (first, _) = published.PIECE.make(material)
    assert [column.name for column in first.columns] == ["method", "a/birds", "b/birds", "average"]
    with styled():
        (picture,) = accuracy_over_shots.PIECE.make(material)
    assert [axes.get_title() for axes in picture.figure.axes] == ["a/birds", "b/birds"]
