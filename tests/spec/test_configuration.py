"""What a trial trains: fixed values, those of its dataset, and the proposal over both."""

from pathlib import Path

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.configuration import configuration
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task, slug
from tests.spec.files import KNOWN, VALID, write


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    overrides = [
        "tasks.dataset=[clipart, emoji]",
        "method.epochs=20",
        "method.per_shots={4: {epochs: 40, lr: 1e-3}}",
        "method.per_dataset={emoji: {anneal: constant, epochs: 30}}",
    ]
    return load_sweep(write(tmp_path, VALID), overrides, KNOWN)


def test_proposals_go_over_datasets_datasets_over_shots_and_shots_over_fixed_values(sweep: Sweep) -> None:
    clipart, clipart_4, emoji, emoji_4 = sweep.task_list()
    assert configuration(sweep, clipart, {}) == Method(beta=0.0, epochs=20)
    assert configuration(sweep, clipart_4, {}) == Method(beta=0.0, epochs=40, lr=1e-3)
    assert configuration(sweep, emoji_4, {}) == Method(beta=0.0, epochs=30, lr=1e-3, anneal="constant")
    assert configuration(sweep, emoji, {"omega": 3, "n_ctx": 4}) == Method(
        beta=0.0, epochs=30, anneal="constant", omega=3.0, n_ctx=4
    )
    assert configuration(sweep, emoji, {"epochs": 5}).epochs == 5
    assert type(configuration(sweep, emoji, {})) is Method


def test_what_the_method_does_not_have_is_refused_by_name(sweep: Sweep) -> None:
    task = sweep.task_list()[0]
    with pytest.raises(UserError) as caught:
        configuration(sweep, task, {"omga": 3, "lr": -1})
    assert {(problem.key, problem.message, problem.nearest) for problem in caught.value.problems} == {
        ("omga", "unknown key", "omega"),
        ("lr", "out of range", ""),
    }
    with pytest.raises(UserError, match="n_positions: more positions than context vectors; found 9"):
        configuration(sweep, task, {"n_positions": 9, "n_ctx": 8})
    deep = {"prompt": "deep_text", "n_ctx": 4, "n_positions": 9}
    for depth in (None, 3):
        assert configuration(sweep, task, {**deep, "prompt_depth": depth}).n_positions == 9
    with pytest.raises(UserError, match=r"n_positions: .*; found 9; allowed: at most 8$"):
        configuration(sweep, task, {**deep, "prompt_depth": 2})
    both = {**deep, "prompt": "promptsrc", "n_ctx_vision": 2, "vision_last": 1, "n_positions": 7}
    assert configuration(sweep, task, both).n_positions == 7
    with pytest.raises(UserError, match=r"n_positions: .*; found 7; allowed: at most 6$"):
        configuration(sweep, task, {**both, "prompt_depth": 1})


def test_task_keys_are_folder_names_and_never_meet() -> None:
    names = [
        "ViT-B-16@openai",
        "ViT-B-16-openai",
        "/a/b/model",
        "/a/c/model",
        "a/b",
        "a b",
        "x" * 300,
        "..",
        "Ω",
    ]
    keys = [Task(name, "clipart", 16, "few_shot").key for name in names]
    keys += [Task("icon-clip", name, 16, "few_shot").key for name in names]
    assert len(set(keys)) == len(keys)
    for key in keys:
        assert all(char.isascii() and (char.isalnum() or char in "._-") for char in key)
        assert len(key) < 150
    assert slug("icon-clip") == "icon-clip"


def test_labels_are_short() -> None:
    assert Task("icon-clip", "clipart", 16, "few_shot").label == "clipart 16-shot"
    assert Task("icon-clip", "clipart", 4, "base_to_new").label == "clipart 4-shot base_to_new"


def test_what_is_fixed_for_another_kind_does_nothing(tmp_path: Path) -> None:
    """A fixed field is allowed where any kind or optimiser of the sweep has it."""
    chosen = ["space.prompt={choices: [coop, deep_text]}", "space.optimiser={choices: [sgd, adam]}"]
    path = write(tmp_path, VALID)
    plain = load_sweep(path, chosen, KNOWN)
    fixed = load_sweep(path, [*chosen, "method.prograd=1", "method.momentum=0.5"], KNOWN)
    task, own, other = fixed.task_list()[0], ("coop", "sgd"), ("deep_text", "adam")
    methods = {
        pair: configuration(fixed, task, dict(zip(("prompt", "optimiser"), pair, strict=True)))
        for pair in (own, other)
    }
    assert (methods[own].prograd, methods[own].momentum) == (1, 0.5)
    assert methods[other] == configuration(plain, task, {"prompt": "deep_text", "optimiser": "adam"})
