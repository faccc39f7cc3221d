"""Corrupted prompts on the page: from a sweep that corrupts, without Ray."""

import pytest

from nemesis_sweep.report.page.figures import low_norm_maps, low_norm_over_shots
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.record import read_sweeps
from nemesis_sweep.report.page.tables import low_norm
from nemesis_sweep.sweep.corruption_file import FILE, read_corruption
from tests.trained_home import make_home, verb

SWEEP = """
name: made
tasks: {dataset: digits, shots: [1, 2], replicates: 2}
method: {epochs: 2, views: 1, n_ctx: 2}
search:
  baselines: [zero_shot, coop]
  corrupt: {rescale: [0.5, 2], replace: [0.001]}
budget: {trials: 0}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        return make_home(tmp_path_factory.mktemp("sweep"), patch, SWEEP)


@pytest.fixture(scope="module")
def material(home):
    return Material(read_sweeps([home]))


def test_every_prompt_of_every_task_is_there(home, material) -> None:
    found = [(each.task.key.shots, each.kind, each.told) for each in material.corrupted]
    assert found == [
        (shots, "plain CoOp", told) for shots in (1, 2) for told in ("rescale, test", "replace, test")
    ]
    kept = read_corruption(home / "trials" / "digits-1shot" / "coop")["test"][0]
    assert (material.corrupted[0].cells.grid.right == kept.right).all()


def test_the_table_has_both_definitions_with_their_intervals(material) -> None:
    (table,) = low_norm.PIECE.make(material)
    assert [line.group for line in table.lines] == ["digits 1-shot"] * 2 + ["digits 2-shot"] * 2
    for line, each in zip(table.lines, material.corrupted, strict=True):
        _, _, accuracy, norm, pairs, positions, sure, images = line.cells
        low_norm_of = each.cells.grid.low_norm
        lowered = each.cells.grid.lowered
        assert pairs.value == pytest.approx(100 * low_norm_of.sum() / lowered.sum())
        assert positions.value == pytest.approx(
            100 * low_norm_of.any(axis=2).sum() / lowered.any(axis=2).sum()
        )
        assert 0 <= pairs.low <= pairs.high <= 100
        assert accuracy.mean == pytest.approx(100 * each.cells.grid.before.mean())
        assert sure.mean <= pairs.value and norm > 0 and images == each.cells.grid.before.shape[1]


def test_the_figure_has_a_line_for_each_definition_over_shots(material) -> None:
    pictures = list(low_norm_over_shots.PIECE.make(material))
    names = [picture.name for picture in pictures]
    assert names == ["low-norm-over-shots-rescale-test", "low-norm-over-shots-replace-test"]
    (ax,) = pictures[0].figure.axes
    assert [text.get_text() for text in ax.get_xticklabels()] == ["1", "2"]
    often = [each.cells.frequency for each in material.corrupted if each.told == "rescale, test"]
    drawn = [container.lines[0].get_ydata().tolist() for container in ax.containers]
    assert drawn == [[each.pairs.score.mean for each in often], [each.positions.score.mean for each in often]]


def test_a_map_shows_the_mean_change_of_every_cell(material) -> None:
    pictures = {picture.name: picture for picture in low_norm_maps.PIECE.make(material)}
    assert set(pictures) == {f"low-norm-map-{name}-test-plain-coop" for name in ("rescale", "replace")}
    own = [each for each in material.corrupted if each.told == "rescale, test"]
    axes = pictures["low-norm-map-rescale-test-plain-coop"].figure.axes
    for ax, each in zip(axes, own, strict=False):
        assert (ax.images[0].get_array() == each.cells.grid.change.mean(axis=0)).all()
        assert [text.get_text() for text in ax.get_xticklabels()] == ["0.5", "2"]


def test_the_page_is_written_and_a_damaged_file_leaves_the_rest(home, monkeypatch, tmp_path) -> None:
    answer = verb(monkeypatch, "report", home, "--to", tmp_path / "whole")
    assert answer.exit_code == 0, answer.output
    assert "How often the Low-Norm Effect is there" in (tmp_path / "whole" / "report.html").read_text()
    file = home / "trials" / "digits-1shot" / "coop" / FILE
    whole = file.read_bytes()
    try:
        file.write_bytes(whole[:50])
        assert {each.task.key.shots for each in Material(read_sweeps([home])).corrupted} == {2}
    finally:
        file.write_bytes(whole)


def test_another_grid_is_another_sweep(home, monkeypatch) -> None:
    """What is done would not be done again."""
    text = (home.parent / "made.yaml").read_text()
    (home.parent / "other.yaml").write_text(text.replace("rescale: [0.5, 2]", "rescale: [0.5, 3]"))
    answer = verb(monkeypatch, "run", home.parent / "other.yaml", "--home", home)
    assert answer.exit_code == 2
    assert "search.corrupt.rescale: [0.5, 2.0] -> [0.5, 3.0]" in answer.output
