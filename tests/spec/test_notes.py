"""What is valid and hardly meant is told, with line and key, and refuses nothing."""

from pathlib import Path

import pytest

from nemesis_sweep.spec.loader import load_sweep, located_notes
from tests.spec.files import KNOWN, VALID, write


def told(path: Path, *overrides: str) -> list[str]:
    return [str(problem) for problem in located_notes(load_sweep(path, overrides, KNOWN), path, overrides)]


def test_nothing_is_said_of_a_usual_file(tmp_path: Path) -> None:
    assert told(write(tmp_path, VALID)) == []


@pytest.mark.parametrize(
    ("put", "line"),
    [
        ("n_ctx: {choices: [16]}", "space.n_ctx: one value, so nothing is searched; found 16; "),
        ("n_ctx: {low: 4, high: 4}", "space.n_ctx: one value, so nothing is searched; found 4; "),
        ("norm: {choices: [2]}", 'space.norm: one value, so nothing is searched; found "2"; '),
    ],
)
def test_a_dimension_of_one_value(tmp_path: Path, put: str, line: str) -> None:
    path = write(tmp_path, VALID.replace("n_ctx: {choices: [4, 8, 16]}", put))
    (note,) = told(path)
    assert note.startswith(f"{path}:9: {line}allowed: several values, or method.{put.partition(':')[0]}: ")


def test_a_choice_that_opens_others_is_a_condition(tmp_path: Path) -> None:
    opened = "{beta: {choices: {0: {corruption: {low: 0, high: 0.5}}}}, omega: {low: 1, high: 2}}"
    assert told(write(tmp_path, VALID), "method.beta=null", f"space={opened}") == []


def test_one_value_under_a_choice_is_that_choices_own(tmp_path: Path) -> None:
    opened = (
        "{prompt: {choices: {coop: {}, ptuning: {optimiser: {choices: [adam]}}}}, omega: {low: 1, high: 2}}"
    )
    assert told(write(tmp_path, VALID), f"space={opened}") == []


def test_selection_on_test(tmp_path: Path) -> None:
    path = write(tmp_path, VALID)
    (note,) = told(path, "search.objective=test/accuracy", "search.pruner=none")
    assert "search.objective: the best is selected on test, which flatters it" in note
    assert told(path, "search.objective=val/loss", "search.pruner=none") == []


def test_a_kind_of_prompt_that_is_never_trained_without_the_penalty(tmp_path: Path) -> None:
    path = write(tmp_path, VALID)
    own = ("method.prompt=kgcoop", "search.baselines=[zero_shot, coop]")
    (note,) = told(path, *own)
    assert "no trial trains kgcoop without the penalty, so nothing tells what it adds" in note
    assert "allowed: also controls, or 0 among the choices of omega" in note
    for enough in (
        ("method.prompt=kgcoop", "search.baselines=[coop, controls]"),
        (*own, "space.omega={choices: [0, 1]}"),
        ("method.prompt=coop", "search.baselines=[zero_shot, coop]"),
    ):
        assert not [line for line in told(path, *enough) if "without the penalty" in line]


def test_a_space_with_fewer_points_than_trials(tmp_path: Path) -> None:
    path = write(tmp_path, VALID)
    (note,) = told(path, "space.omega={low: 0.5, high: 1, step: 0.1}")
    assert note == (
        f"{path}:12: budget.trials: the space has 18 points; a study ends when every one was tried; found 20"
    )
    assert told(path, "space.omega={low: 0.5, high: 1, step: 0.1}", "budget.trials=18") == []


def test_more_confirmations_than_trials(tmp_path: Path) -> None:
    path = write(tmp_path, VALID)
    (note,) = told(path, "search.confirm={top: 21}")
    assert note.endswith("more settings than a study tries: 20 trials; found 21; allowed: at most 20")
    assert told(path, "search.confirm={top: 20}") == []
    (note,) = told(path, "search.confirm={top: 4}", "space={n_ctx: {choices: [4, 8, 16]}}", "budget.trials=3")
    assert "more settings than a study tries: 3 trials" in note


def test_patches_that_were_never_compared_with_texts(tmp_path: Path) -> None:
    path = write(tmp_path, VALID)
    for prompt, backbone, count in [("plot", "ViT-B-16", 1), ("plot", "RN50", 0), ("coop", "ViT-B-16", 0)]:
        more = (f"method.prompt={prompt}", f"tasks.backbone=[{backbone}]")
        sweep = load_sweep(path, more)
        found = [
            str(problem) for problem in located_notes(sweep, path, more, lambda name: name.startswith("ViT"))
        ]
        assert len(found) == count
        assert all("plot reads the patches of this ViT" in note and "RN50" in note for note in found)


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        (["method.prompt=coop"], 1),
        (["method.prompt=coop", "method.prograd=1"], 0),
        (["method.prompt=kgcoop"], 0),
        (["method.prompt=null", "space.prompt={choices: [coop, kgcoop]}"], 0),
        (["method.prompt=coop", "space.prograd={choices: [0, 1]}"], 0),
    ],
)
def test_a_template_that_coop_without_prograd_does_not_look_at(
    tmp_path: Path, fields: list[str], count: int
) -> None:
    found = told(write(tmp_path, VALID), "method.anchor_template=a {} here", "budget.trials=2", *fields)
    message = "method.anchor_template: anchor_template changes nothing, as coop has it for prograd alone"
    assert [message in line for line in found] == [True] * count


def test_a_corruption_that_nothing_looks_at(tmp_path: Path) -> None:
    """PUN tests no vector; the default is not worth a word."""
    path = write(tmp_path, VALID)
    pun = ("method.beta=1", "method.omega=1", "space={n_ctx: {choices: [4, 8]}}", "budget.trials=2")
    assert told(path, *pun, "method.corrupt_by=rescale") == []
    (note,) = told(path, *pun, "method.corrupt_by=replace")
    assert "method.corrupt_by: corrupt_by changes nothing, as the penalty is PUN only" in note
    assert told(path, *pun, "method.beta=0", "method.corrupt_by=replace") == []
