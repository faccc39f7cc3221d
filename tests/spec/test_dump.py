"""A resolved file says the same as the file it came from."""

from pathlib import Path

import pytest
import yaml

from nemesis_sweep.spec.dump import sweep_to_yaml
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.method import PENALTY_FIELDS
from nemesis_sweep.spec.space import searched_names
from nemesis_sweep.sweep.names import known_names
from nemesis_sweep.sweep.space.baselines import most_controls
from tests.spec.files import KNOWN, VALID, write

SHIPPED = sorted((Path(__file__).parents[2] / "search_spaces").glob("*.yaml"))

CONDITIONAL = """\
name: a.b-c_1
tasks: {dataset: [clipart, emoji], shots: 4, seeds: [5, 1], root: /data/sets, backbone: RN50}
method: {corruption: 0.25, per_shots: {4: {batch: 16}}, per_dataset: {emoji: {anneal: constant, lr: 1e-5}}}
space:
  omega: {low: 1e-3, high: 1e2, log: true}
  epochs: {low: 10, high: 50, step: 10}
  views: {low: 1, high: 16, log: true}
  csc: {choices: {true: {reduction: {choices: [mean, reference]}}, false: {}}}
  words: {choices: {null: {n_ctx: {low: 2, high: 8}}, "1e3": {}, "yes, a photo": {}}}
  beta: {choices: {0: {corruption: {low: 0, high: 1}}, 0.5: {}, 1: {}}}
  norm: {choices: [1, inf]}
search:
  points:
    - {omega: 1, norm: 1}
    - {beta: 0, corruption: 0.1}
    - {words: null, n_ctx: 3, csc: true, reduction: mean}
  sampler_options: {n_startup_trials: 7}
  objective: [val/loss]
tracking: {mlflow: "http://host:5000", experiment: "2026-11-22: first"}
"""


@pytest.mark.parametrize("text", [VALID, CONDITIONAL, *(path.read_text() for path in SHIPPED)])
def test_the_resolved_file_loads_to_an_equal_sweep(tmp_path: Path, text: str) -> None:
    sweep = load_sweep(write(tmp_path, text), ["search.sampler_options=null"])
    again = load_sweep(write(tmp_path, sweep_to_yaml(sweep)))
    assert again == sweep
    assert sweep_to_yaml(again) == sweep_to_yaml(sweep)
    assert again.method.all_layers()[1:] == sweep.method.all_layers()[1:]


def test_searched_fields_are_not_fixed_in_the_resolved_file_and_defaults_are_written(tmp_path: Path) -> None:
    data = yaml.safe_load(sweep_to_yaml(load_sweep(write(tmp_path, CONDITIONAL))))
    assert set(data["space"]) & set(data["method"]) == set()
    assert data["method"]["corruption"] == 0.25
    assert data["method"]["momentum"] == 0.9
    budget = {"trials": 20, "until": None, "retries": 2, "max_failures": None, "hours": None}
    assert data["budget"] == budget


def test_other_yaml_readers_see_the_same_values(tmp_path: Path) -> None:
    data = yaml.safe_load(sweep_to_yaml(load_sweep(write(tmp_path, CONDITIONAL))))
    assert list(data["space"]["words"]["choices"]) == [None, "1e3", "yes, a photo"]
    assert data["tracking"]["experiment"] == "2026-11-22: first"
    assert data["method"]["per_shots"] == {4: {"batch": 16}}
    assert data["method"]["per_dataset"] == {"emoji": {"anneal": "constant", "lr": 1e-5}}
    assert data["space"]["norm"] == {"choices": ["1", "inf"]}


def test_points_are_held_as_the_method_holds_them(tmp_path: Path) -> None:
    sweep = load_sweep(write(tmp_path, CONDITIONAL), known=KNOWN)
    assert sweep.search.points[0] == {"omega": 1.0, "norm": "1"}


def test_the_shipped_files_are_there() -> None:
    assert {path.stem for path in SHIPPED} >= {"pan", "pun", "mixed", "own_images", "siglip"}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_files_open_with_the_command_and_with_what_they_cost(path: Path) -> None:
    head, _, _ = path.read_text().partition("\nname:")
    assert f"nemesis-sweep run search_spaces/{path.name}" in head
    sweep = load_sweep(path, known=known_names())
    assert sweep.name == path.stem
    trained = sweep.budget.trials + 1 + most_controls(sweep)
    prompts = len(sweep.task_list()) * trained * sweep.tasks.replicates
    assert f"= {prompts} prompts" in head or f"replicates = {prompts}" in head


@pytest.mark.parametrize("name", ["pan", "pun", "mixed", "front", "own_images"])
def test_these_need_nothing_but_what_ships(name: str) -> None:
    sweep = load_sweep(next(path for path in SHIPPED if path.stem == name))
    assert set(sweep.tasks.dataset) <= {"clipart", "emoji", "digits"}
    assert sweep.tasks.backbone == ["icon-clip"]


def test_the_first_sweep_compares_penalties_and_nothing_else() -> None:
    """PUN and PAN with the vectors, epochs and views of plain CoOp: no gain can be anything else's."""
    sweep = load_sweep(Path(__file__).parents[2] / "search_spaces" / "pan.yaml")
    assert set(searched_names(sweep.space)) <= PENALTY_FIELDS
    assert sweep.space["beta"].choices == [1, 0]
    assert (sweep.tasks.shots, sweep.tasks.val_shots, sweep.search.pruner) == ([1, 4, 16], "all", "none")
    assert {"coop", "zero_shot", "linear_probe", "paper"} == set(sweep.search.baselines)


def test_ones_own_images_are_selected_on_all_that_there_are_beside_a_linear_probe() -> None:
    sweep = load_sweep(Path(__file__).parents[2] / "search_spaces" / "own_images.yaml")
    assert sweep.tasks.val_shots == "all"
    assert "linear_probe" in sweep.search.baselines
