"""Which changes of a sweep file keep its trials comparable."""

from pathlib import Path

import pytest

from nemesis_sweep.spec.compare import diff
from nemesis_sweep.spec.loader import load_sweep
from tests.spec.files import KNOWN, VALID, write


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("budget.trials=40", "budget.trials: 20 -> 40"),
        ("resources.cpus=2", "resources.cpus: 1.0 -> 2.0"),
        ("tracking.mlflow=http://h:5000", 'tracking.mlflow: null -> "http://h:5000"'),
        ("tasks.shots=[1, 4, 16]", "tasks.shots: [1, 4] -> [1, 4, 16]"),
        ("tasks.dataset=[clipart, emoji]", 'tasks.dataset: ["clipart"] -> ["clipart", "emoji"]'),
        ("search.sampler=random", 'search.sampler: "tpe" -> "random"'),
        ("search.points=[{n_ctx: 4}]", 'search.points: [] -> [{"n_ctx": 4}]'),
    ],
)
def test_trials_stay_comparable(tmp_path: Path, override: str, line: str) -> None:
    path = write(tmp_path, VALID)
    old, new = load_sweep(path, known=KNOWN), load_sweep(path, [override], KNOWN)
    assert diff(old, new) == [line]
    assert diff(old, new, comparable_only=True) == []


@pytest.mark.parametrize(
    ("override", "lines"),
    [
        ("tasks.seeds=[1, 2, 4]", ["tasks.seeds: [1, 2, 3] -> [1, 2, 4]"]),
        ("tasks.val_shots=all", ['tasks.val_shots: "published" -> "all"']),
        ("tasks.val_shots=4", ['tasks.val_shots: "published" -> 4']),
        ("method.beta=0.5", ["method.beta: 0.0 -> 0.5"]),
        ("method.epochs=20", ["method.epochs: 50 -> 20"]),
        ("method.per_dataset.clipart.lr=1", ['method.per_dataset.clipart: (absent) -> {"lr": 1.0}']),
        ("space.omega.low=0.5", ["space.omega.low: 0.1 -> 0.5"]),
        ("space.n_ctx.choices=[4, 8]", ["space.n_ctx.choices: [4, 8, 16] -> [4, 8]"]),
        (
            "space.n_ctx=null",
            ["method.n_ctx: (absent) -> 16", 'space.n_ctx: {"choices": [4, 8, 16]} -> (absent)'],
        ),
        ("search.objective=val/loss", ['search.objective: ["val/accuracy"] -> ["val/loss"]']),
        ("search.eval_every=10", ["search.eval_every: 5 -> 10"]),
        ("search.study=joint", ['search.study: "per_task" -> "joint"']),
    ],
)
def test_trials_would_not_be_comparable(tmp_path: Path, override: str, lines: list[str]) -> None:
    path = write(tmp_path, VALID)
    old, new = load_sweep(path, known=KNOWN), load_sweep(path, [override], KNOWN)
    assert diff(old, new) == lines
    assert diff(old, new, comparable_only=True) == lines


def test_other_tasks_change_what_a_joint_trial_means(tmp_path: Path) -> None:
    path = write(tmp_path, VALID)
    old = load_sweep(path, ["search.study=joint"], KNOWN)
    new = load_sweep(path, ["search.study=joint", "tasks.shots=[1, 4, 16]"], KNOWN)
    assert diff(old, new, comparable_only=True) == ["tasks.shots: [1, 4] -> [1, 4, 16]"]


TABLES = ["tasks.dataset=[clipart, emoji]", "method.per_shots={4: {epochs: 100}}"]


def test_values_of_tasks_that_only_one_sweep_has_change_no_trial_of_the_other(tmp_path: Path) -> None:
    path = write(tmp_path, VALID)
    old = load_sweep(path, TABLES, KNOWN)
    more = [*TABLES, "tasks.dataset=[clipart, emoji, digits]", "tasks.shots=[1, 4, 16]"]
    more += ["method.per_dataset.digits.lr=1", "method.per_shots.16.epochs=200"]
    new = load_sweep(path, more, KNOWN)
    assert diff(old, new, comparable_only=True) == diff(new, old, comparable_only=True) == []
    assert 'method.per_shots.16: (absent) -> {"epochs": 200}' in diff(old, new)
    other = load_sweep(path, [*more, "method.per_shots.4.epochs=50"], KNOWN)
    assert diff(old, other, comparable_only=True) == ["method.per_shots.4.epochs: 100 -> 50"]
    joint = "search.study=joint"
    lines = diff(*(load_sweep(path, [*each, joint], KNOWN) for each in (TABLES, more)), comparable_only=True)
    assert [line.partition(":")[0] for line in lines] == ["tasks.dataset", "tasks.shots"]


def test_a_value_written_as_its_default_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, VALID)
    old = load_sweep(path, known=KNOWN)
    new = load_sweep(path, ["method.momentum=0.9", "tasks.replicates=3", "space.omega.step=null"], KNOWN)
    assert diff(old, new) == []


def test_the_order_of_keys_does_not_matter(tmp_path: Path) -> None:
    text = VALID.replace("  n_ctx: {choices: [4, 8, 16]}\n", "")
    swapped = text.replace("space:\n", "space:\n  n_ctx: {choices: [4, 8, 16]}\n")
    one, other = load_sweep(write(tmp_path, VALID)), load_sweep(write(tmp_path, swapped))
    assert list(one.space) != list(other.space)
    assert diff(one, other) == []
