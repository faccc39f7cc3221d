"""Every kind of mistake in one section: which key, which line, what is allowed, which name is near."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.spec.loader import load_sweep, located
from nemesis_sweep.spec.method import MethodSection
from tests.spec.files import KNOWN, VALID, problems_of, write

DESIGN = """\
name: pan
tasks:
  backbone: icon-clip            # any open_clip name, name@pretrained, or a checkpoint path
  dataset: [clipart]
  shots: [1, 4, 16]
  protocol: few_shot               # few_shot | base_to_new | domain_generalization
  replicates: 3
method:                            # fixed values; anything here may move to `space`
  prompt: coop
  beta: 0                          # PAN
  epochs: 50
space:
  omega:      {low: 0.1, high: 100, log: true}
  corruption: {low: 0.0, high: 0.9}
  n_ctx:      {choices: [4, 8, 16]}
search:
  sampler: tpe
  pruner: hyperband
  objective: val/accuracy
budget: {trials: 20}
resources: {gpus: auto, cpus: 1}
"""


def test_the_file_of_the_design_loads_as_it_stands(tmp_path: Path) -> None:
    sweep = load_sweep(write(tmp_path, DESIGN), known=KNOWN)
    assert [task.key for task in sweep.task_list()] == [
        "clipart-1shot",
        "clipart-4shot",
        "clipart-16shot",
    ]
    assert sweep.tasks.seeds == [1, 2, 3]
    assert sweep.method.fixed() == {"prompt": "coop", "beta": 0.0, "epochs": 50}
    omega = sweep.space["omega"]
    assert (omega.low, omega.high, omega.log) == (0.1, 100.0, True)
    assert sweep.search.objective == ["val/accuracy"]
    assert sweep.search.directions == ["maximize"]
    assert sweep.experiment == "pan"


def test_sections_may_be_empty_and_single_values_stand_for_lists(tmp_path: Path) -> None:
    text = "name: one\ntasks: {dataset: clipart, seeds: [7, 8]}\nspace:\nbudget: {trials: 0}\nsearch:\n"
    sweep = load_sweep(write(tmp_path, text), known=KNOWN)
    assert (sweep.tasks.dataset, sweep.tasks.shots, sweep.tasks.replicates) == (["clipart"], [16], 2)
    assert sweep.method == MethodSection()


MISTAKES = yaml.safe_load(Path(__file__).with_name("mistakes.yaml").read_text())


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake["put"].strip())
def test_one_mistake(tmp_path: Path, mistake: dict[str, Any]) -> None:
    lines = VALID.splitlines()
    lines[mistake["at"] - 1] = mistake["put"]
    path = write(tmp_path, "\n".join(lines))
    told = [str(problem) for problem in problems_of(path)]
    pattern = ".*".join(re.escape(part) for part in f"{path}:{mistake['told']}".split("..."))
    assert any(re.fullmatch(pattern, text) for text in told), told


def test_replicates_and_seeds_must_agree(tmp_path: Path) -> None:
    text = VALID.replace("  shots: [1, 4]", "  seeds: [1, 2]\n  replicates: 3")
    (problem,) = problems_of(write(tmp_path, text))
    assert (problem.key, problem.line) == ("tasks.replicates", 5)
    assert problem.message == "3 replicates but 2 seeds"


def test_a_missing_section_and_a_missing_key_stand_at_the_lines_around_them(tmp_path: Path) -> None:
    (missing,) = problems_of(write(tmp_path, VALID.replace("  dataset: [clipart]\n", "")))
    assert (missing.key, missing.line, missing.message) == ("tasks.dataset", 2, "missing")
    (missing,) = problems_of(write(tmp_path, "name: a\nbudget: {trials: 0}\n"))
    assert (missing.key, missing.line) == ("tasks.dataset", 1)


@pytest.mark.parametrize("text", ["", "# nothing\n", "3", "- a\n- b\n", "just words"])
def test_a_file_that_is_not_a_mapping(tmp_path: Path, text: str) -> None:
    (problem,) = problems_of(write(tmp_path, text))
    assert problem.line == 1
    assert problem.message in ("empty", "wrong type")
    assert problem.allowed.startswith("a mapping with name, tasks, method")


def test_everything_is_told_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = """\
name: a b
tasks:
  dataset: clpart
  shots: [0, x]
method:
  bta: 1
  epochs: 0
  epochs: 5
space:
  omega: {low: 2, high: 1}
  corruption: {low: 0, high: 1}
  momentum: {low: 0, hgih: 0.9}
search:
  sampler: tpee
  points: [{omga: 1}]
budget: {trials: many}
extra: 1
"""
    found = [(problem.line, problem.key) for problem in problems_of(write(tmp_path, text))]
    assert found == [
        (1, "name"),
        (3, "tasks.dataset"),
        (4, "tasks.shots.0"),
        (4, "tasks.shots.1"),
        (6, "method.bta"),
        (8, "method.epochs"),
        (10, "space.omega.low"),
        (11, "space.corruption"),
        (12, "space.momentum.high"),
        (12, "space.momentum.hgih"),
        (14, "search.sampler"),
        (15, "search.points.0.omga"),
        (16, "budget.trials"),
        (17, "extra"),
    ]


def test_without_known_names_names_are_not_checked(tmp_path: Path) -> None:
    sweep = load_sweep(write(tmp_path, VALID.replace("tpe", "anything").replace("clipart", "mine")))
    assert (sweep.search.sampler, sweep.tasks.dataset) == ("anything", ["mine"])


def test_backbones_beside_the_list_are_judged_by_their_own_rule(tmp_path: Path) -> None:
    path = write(tmp_path, VALID)
    sweep = load_sweep(path, ["tasks.backbone=[RN50, ViT-B-16@openai]"], KNOWN)
    assert sweep.tasks.backbone == ["RN50", "ViT-B-16@openai"]
    assert isinstance(problems_of(path, "tasks.backbone=RN51")[0], Problem)


def test_an_error_stays_as_it_is_where_the_file_is_gone(tmp_path: Path) -> None:
    error = UserError(Problem("more GPUs than there are", key="resources.gpus"))
    file = write(tmp_path, DESIGN)
    assert str(located(error, file)).startswith(f"{file}:")
    file.unlink()
    assert str(located(error, file)) == str(error)


def test_keys_of_another_mapping_are_refused_as_what_they_are(tmp_path: Path) -> None:
    text = VALID.replace("  beta: 0", "  <<: *other\n  beta: 0").replace("name: pan", "name: &other pan")
    (problem,) = problems_of(write(tmp_path, text))
    assert (problem.key, problem.message, problem.line) == ('method."<<"', "merge keys are not read", 6)
