"""Every kind of mistake in one section: which key, which line, what is allowed, which name is near."""

from pathlib import Path

import pytest

from nemesis_sweep.spec.errors import Problem
from nemesis_sweep.spec.loader import load_sweep
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
        "clipart-1shot-few_shot-icon-clip",
        "clipart-4shot-few_shot-icon-clip",
        "clipart-16shot-few_shot-icon-clip",
    ]
    assert sweep.tasks.seeds == [1, 2, 3]
    assert sweep.method.fixed() == {"prompt": "coop", "beta": 0.0, "epochs": 50}
    omega = sweep.space["omega"]
    assert (omega.low, omega.high, omega.log) == (0.1, 100.0, True)
    assert sweep.search.objective == ["val/accuracy"]
    assert sweep.search.directions == ["maximize"]
    assert sweep.experiment == "pan"


def test_sections_may_be_empty_and_single_values_stand_for_lists(tmp_path: Path) -> None:
    text = "name: one\ntasks: {dataset: clipart, shots: 16, seeds: [7, 8]}\nspace:\nbudget: {trials: 0}\nsearch:\n"
    sweep = load_sweep(write(tmp_path, text), known=KNOWN)
    assert (sweep.tasks.dataset, sweep.tasks.shots, sweep.tasks.replicates) == (["clipart"], [16], 2)
    assert sweep.method.model_dump(exclude={"per_dataset"}) == type(sweep.method)().model_dump(
        exclude={"per_dataset"}
    )


ONE_LINE = [
    # line to put in place of another, key, message, found, allowed, nearest
    (1, "nam: pan", "name", "missing", "", "text", ""),
    (1, "name: a/b", "name", "not usable as the name of a folder", '"a/b"', "letters, digits", ""),
    (1, "name: ..", "name", "not usable as the name of a folder", '".."', "letters, digits", ""),
    (1, "name: 3", "name", "wrong type", "3", "text", ""),
    (2, "taks:", "taks", "unknown key", "", "name, tasks, method", "tasks"),
    (3, "  dataset: clpart", "tasks.dataset", "unknown dataset", '"clpart"', "clipart, emoji, digits", "clipart"),
    (3, "  dataset: [clipart, clipart]", "tasks.dataset", "clipart is listed twice", "", "", ""),
    (3, "  dataset: []", "tasks.dataset", "empty", "[]", "text, or a list", ""),
    (3, "  dataset: [emoji, 3]", "tasks.dataset.1", "wrong type", "3", "text", ""),
    (3, "  datasets: [emoji]", "tasks.datasets", "unknown key", "", "backbone, dataset, shots", "dataset"),
    (4, "  shots: [1, 0]", "tasks.shots.1", "out of range", "0", "a whole number >= 1", ""),
    (4, "  shots: 1.5", "tasks.shots", "wrong type", "1.5", "a whole number >= 1, or a list", ""),
    (4, "  shots: true", "tasks.shots", "wrong type", "true", "a whole number >= 1", ""),
    (4, "  shots: '4'", "tasks.shots", "wrong type", '"4"', "a whole number >= 1", ""),
    (4, "  backbone: icon-clp", "tasks.backbone", "unknown backbone", '"icon-clp"', "", "icon-clip"),
    (4, "  protocol: few_shots", "tasks.protocol", "not an allowed value", '"few_shots"', "few_shot, ", "few_shot"),
    (4, "  replicates: 0", "tasks.replicates", "out of range", "0", "a whole number >= 1 and <= 1000", ""),
    (4, "  seeds: [1, 1]", "tasks.seeds", "1 is listed twice", "", "", ""),
    (4, "  seeds: []", "tasks.seeds", "empty", "[]", "a list (a whole number >= 0", ""),
    (6, "  beta: 1.5", "method.beta", "out of range", "1.5", "a number >= 0 and <= 1", ""),
    (6, "  bta: 1", "method.bta", "unknown key", "", "prompt, n_ctx", "beta"),
    (6, "  csc: maybe", "method.csc", "wrong type", '"maybe"', "true or false", ""),
    (6, "  norm: 3", "method.norm", "not an allowed value", "3", "1, 2, inf", ""),
    (6, "  prompt: copo", "method.prompt", "unknown prompt", '"copo"', "coop, cocoop", "coop"),
    (6, "  words: ''", "method.words", "empty", '""', "text", ""),
    (6, "  momentum: 1", "method.momentum", "out of range", "1", "a number >= 0 and < 1", ""),
    (6, "  views: epoch", "method.views", "not an allowed value", '"epoch"', "a whole number >= 1 or epochs", "epochs"),
    (6, "  per_dataset: {emojy: {lr: 1}}", "method.per_dataset.emojy", "unknown dataset", '"emojy"', "", "emoji"),
    (6, "  per_dataset: {clipart: {lr: 0}}", "method.per_dataset.clipart.lr", "out of range", "0", "a number > 0", ""),
    (8, "  omega: {low: 3, high: 1}", "space.omega.low", "low is above high (1.0)", "3", "", ""),
    (8, "  omega: {low: 0, high: 1, log: true}", "space.omega.low", "a logarithmic range starts above 0", "0", "", ""),
    (8, "  omega: {low: -1, high: 1}", "space.omega.low", "out of range", "-1", "a number >= 0", ""),
    (8, "  omega: {low: 1}", "space.omega.high", "missing", "", "a number", ""),
    (8, "  omega: {low: 1, hihg: 2, high: 3}", "space.omega.hihg", "unknown key", "", "low, high", "high"),
    (8, "  omega: {log: true, step: 1, low: 1, high: 2}", "space.omega.step", "step and log exclude each other", "1", "", ""),
    (8, "  omega: {low: 1, high: 2, step: 0}", "space.omega.step", "out of range", "0", "a number > 0", ""),
    (8, "  omega: 3", "space.omega", "wrong type", "3", "{choices: [...]}", ""),
    (8, "  omega: {grid: [1, 2]}", "space.omega", "neither a range nor choices", '{"grid": [1, 2]}', "{low", ""),
    (8, "  omega: {choices: []}", "space.omega.choices", "empty", "[]", "a list of values", ""),
    (8, "  omega: {choices: 3}", "space.omega.choices", "wrong type", "3", "a list of values", ""),
    (8, "  omega: {choices: [1, 1.0]}", "space.omega.choices.1", "listed twice", "1.0", "", ""),
    (8, "  omega: {choices: [1, -2]}", "space.omega.choices.1", "out of range", "-2", "a number >= 0", ""),
    (8, "  omega: {choices: [1, 2], high: 3}", "space.omega.high", "unknown key", "", "choices", ""),
    (8, "  omga: {low: 1, high: 2}", "space.omga", "unknown key", "", "omega", "omega"),
    (8, "  prompt: {low: 1, high: 2}", "space.prompt", "prompt is not a number and has no range", "", "", ""),
    (8, "  prompt: {choices: [coop, coocop]}", "space.prompt.choices.1", "unknown prompt", '"coocop"', "", "cocoop"),
    (8, "  n_positions: {low: 1, high: 2.5}", "space.n_positions.high", "wrong type", "2.5", "a whole number", ""),
    (11, "  sampler: tpee", "search.sampler", "unknown sampler", '"tpee"', "tpe, random, cmaes", "tpe"),
    (11, "  pruner: medain", "search.pruner", "unknown pruner", '"medain"', "hyperband, median, none", "median"),
    (11, "  objective: val/acuracy", "search.objective", "not an allowed value", '"val/acuracy"', "val/accuracy", "val/accuracy"),
    (11, "  sampler_options: {gama: 1}", "search.sampler_options.gama", "unknown option of tpe", "", "n_startup_trials, gamma", "gamma"),
    (11, "  study: joint", "search.study", "not an allowed value", '"joint"', "per_task", ""),
    (11, "  baselines: [coup]", "search.baselines.0", "not an allowed value", '"coup"', "zero_shot, coop, paper", "coop"),
    (11, "  eval_every: 0", "search.eval_every", "out of range", "0", "a whole number >= 1", ""),
    (11, "  points: {omega: 1}", "search.points", "wrong type", '{"omega": 1}', "a list (a mapping)", ""),
    (12, "budget: {trials: -1}", "budget.trials", "out of range", "-1", "a whole number >= 0", ""),
    (12, "budget: {hours: soon}", "budget.hours", "wrong type", '"soon"', "a number > 0", ""),
    (12, "budget: [20]", "budget", "wrong type", "[20]", "a mapping with trials, max_failures, hours", ""),
    (12, "resources: {cpus: 0}", "resources.cpus", "out of range", "0", "a number > 0", ""),
    (12, "resources: {gpus: 1.5}", "resources.gpus", "more than one GPU cannot be split", "1.5", "a fraction", ""),
    (12, "resources: {gpus: atuo}", "resources.gpus", "not an allowed value", '"atuo"', "a number >= 0 or auto", "auto"),
    (12, "tracking: {mlflow: ./mlruns}", "tracking.mlflow", "not a tracking URI", '"./mlruns"', "sqlite:////", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "text", "key", "message", "found", "allowed", "nearest"),
    [case for case in ONE_LINE if case[2] is not None],
    ids=[case[1].strip() for case in ONE_LINE if case[2] is not None],
)
def test_one_mistake(
    tmp_path: Path, line: int, text: str, key: str, message: str, found: str, allowed: str, nearest: str
) -> None:
    lines = VALID.splitlines()
    lines[line - 1] = text
    path = write(tmp_path, "\n".join(lines))
    named = {problem.key: problem for problem in problems_of(path)}
    assert key in named, f"told instead: {list(map(str, named.values()))}"
    problem = named[key]
    assert problem.message == message
    assert problem.found == found or not found
    assert allowed in problem.allowed
    assert problem.nearest == nearest
    assert problem.file == str(path)
    assert problem.line == (2 if message == "missing" and key.startswith("tasks.") else 1 if key == "name" else line)


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
