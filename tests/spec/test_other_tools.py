"""What users of other tools write is told with its form here."""

from pathlib import Path

import pytest

from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.other_dimensions import our_form
from nemesis_sweep.spec.other_keys import MEANT, full_key, meant_key
from nemesis_sweep.spec.sections import SECTIONS
from nemesis_sweep.spec.sweep import Sweep
from tests.spec.files import KNOWN, VALID, problems_of, write

RANGE, LOG = "{low: 0.1, high: 10}", "{low: 0.1, high: 10, log: true}"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        # Weights & Biases
        ("omega: {min: 0.1, max: 10}", f"omega: {RANGE}"),
        ("omega: {min: 0.1, max: 10, distribution: uniform}", f"omega: {RANGE}"),
        ("omega: {min: 0.1, max: 10, distribution: log_uniform_values}", f"omega: {LOG}"),
        (
            "omega: {min: -2.302585, max: 2.302585, distribution: log_uniform}",
            "omega: {low: 0.1, high: 10.0, log: true}",
        ),
        (
            "epochs: {min: 10, max: 50, q: 10, distribution: q_uniform}",
            "epochs: {low: 10, high: 50, step: 10}",
        ),
        ("n_ctx: {min: 4, max: 16, distribution: int_uniform}", "n_ctx: {low: 4, high: 16}"),
        ("n_ctx: {values: [4, 8]}", "n_ctx: {choices: [4, 8]}"),
        ("norm: {values: [2, inf], distribution: categorical}", "norm: {choices: [2, inf]}"),
        ("omega: {value: 3}", "method.omega: 3"),
        ("omega: {mu: 1, sigma: 2, distribution: normal}", ""),
        # Optuna
        ("omega: {type: float, low: 0.1, high: 10}", f"omega: {RANGE}"),
        ("omega: {type: float, low: 0.1, high: 10, log: true}", f"omega: {LOG}"),
        ("norm: {type: categorical, choices: ['1', '2']}", 'norm: {choices: ["1", "2"]}'),
        ('omega: trial.suggest_float("omega", 0.1, 10, log=True)', f"omega: {LOG}"),
        ("n_ctx: suggest_int('n', 4, 16, step=4)", "n_ctx: {low: 4, high: 16, step: 4}"),
        # Hydra
        ("n_ctx: choice(4, 8, 16)", "n_ctx: {choices: [4, 8, 16]}"),
        ("class_position: choice(end, middle)", "class_position: {choices: [end, middle]}"),
        ("omega: interval(0.1, 10)", f"omega: {RANGE}"),
        ("omega: tag(log, interval(0.1, 10))", f"omega: {LOG}"),
        ("n_ctx: range(4, 17, 4)", "n_ctx: {low: 4, high: 16, step: 4}"),
        ("n_ctx: range(4, 8)", "n_ctx: {low: 4, high: 7}"),
        # Ray Tune
        ("omega: tune.uniform(0.1, 10)", f"omega: {RANGE}"),
        ("omega: tune.loguniform(1e-1, 1e1)", "omega: {low: 0.1, high: 10.0, log: true}"),
        ("omega: tune.quniform(0, 1, 0.25)", "omega: {low: 0, high: 1, step: 0.25}"),
        ("n_ctx: tune.randint(4, 17)", "n_ctx: {low: 4, high: 16}"),
        ("n_ctx: tune.choice([4, 8])", "n_ctx: {choices: [4, 8]}"),
        ("n_ctx: ray.tune.grid_search([4, 8])", "n_ctx: {choices: [4, 8]}"),
        ("omega: tune.randn(0, 1)", ""),
        ("omega: tune.quniform(0, 1, 0.3)", "omega: {low: 0, high: 0.9, step: 0.3}"),
        ("omega: {grid_search: [1, 10]}", "omega: {choices: [1, 10]}"),
        ("omega: {suggest_float: {low: 0.1, high: 10, log: true}}", f"omega: {LOG}"),
        ("omega: optuna.distributions.FloatDistribution(0.1, 10, log=True)", f"omega: {LOG}"),
        ("n_ctx: IntDistribution(4, 16, step=4)", "n_ctx: {low: 4, high: 16, step: 4}"),
        ("n_ctx: CategoricalDistribution(choices=(4, 8))", "n_ctx: {choices: [4, 8]}"),
        ("omega: suggest_float", "omega: {low: ..., high: ...}"),
        ("omega: {suggest_float: [0.1, 10]}", f"omega: {RANGE}"),
        ("omega: log_uniform_values", "omega: {low: ..., high: ..., log: true}"),
        ("omega: tune.choice", "omega: {choices: [...]}"),
        ("n_ctx: int(interval(4, 16))", "n_ctx: {low: 4, high: 16}"),
        ("omega: range(0.0, 0.1, 0.02)", "omega: {low: 0.0, high: 0.08, step: 0.02}"),
        ("omega: range(0.5, 2.5)", "omega: {low: 0.5, high: 2.5}"),
        ("omega: 'range(start=0, stop=0.1, step=0.05)'", "omega: {low: 0, high: 0.05, step: 0.05}"),
        ("omega: range(0, 1, 0)", ""),
        ("n_ctx: 4, 8, 16", "n_ctx: {choices: [4, 8, 16]}"),
        ("omega: 3", "method.omega: 3"),
        # Ax, Hyperopt
        ("omega: {type: range, bounds: [0.1, 10], log_scale: true}", f"omega: {LOG}"),
        ("omega: hp.uniform('omega', 0.1, 10)", f"omega: {RANGE}"),
        ("omega: hp.loguniform('omega', 0, 1)", "omega: {low: 1.0, high: 2.71828, log: true}"),
        ("n_ctx: hp.choice('n', [4, 8])", "n_ctx: {choices: [4, 8]}"),
        # Words that others have for bounds
        ("omega: {start: 0.1, stop: 10}", f"omega: {RANGE}"),
        ("omega: {from: 0.1, to: 10, log: true}", f"omega: {LOG}"),
        ("omega: {lo: 0.1, hi: 10}", f"omega: {RANGE}"),
        ("omega: {range: [0.1, 10]}", f"omega: {RANGE}"),
        ("omega: 0.1..10", f"omega: {RANGE}"),
        ("omega: 0.1 to 10", f"omega: {RANGE}"),
        ("n_ctx: '4-16'", "n_ctx: {low: 4, high: 16}"),
        ("omega: 10..0.1", ""),
        # NNI, a bare list, and no tool at all
        ("omega: {_type: loguniform, _value: [0.1, 10]}", f"omega: {LOG}"),
        ("n_ctx: [4, 8, 16]", "n_ctx: {choices: [4, 8, 16]}"),
        ("csc: [true, false]", "csc: {choices: [true, false]}"),
        ("n_ctx: __import__('os').getcwd()", ""),
        ("n_ctx: choice(open('x'))", ""),
        ("omega: {min: 10, max: 0.1}", ""),
        ("omega: [a, b]", ""),
    ],
)
def test_a_dimension_in_its_form_here(tmp_path: Path, written: str, meant: str) -> None:
    text = f"name: made\ntasks: {{dataset: [clipart]}}\nspace:\n  {written}\n"
    problems = problems_of(write(tmp_path, text))
    assert problems[0].line == 4
    assert problems[0].nearest == meant
    if meant:
        assert len(problems) == 1
    if meant and "..." not in meant:
        penalty = "" if "omega" in meant else "method: {omega: 1}\n"
        section, right = ("method", meant[7:]) if meant.startswith("method.") else ("space", meant)
        text = (
            f"name: made\ntasks: {{dataset: clipart}}\n{section}:\n  {right}\n{penalty}budget: {{trials: 0}}"
        )
        load_sweep(write(tmp_path, text), known=KNOWN)


def test_what_is_not_known_is_no_dimension() -> None:
    for raw in (
        None,
        3,
        "text",
        "f(",
        "choice(",
        {},
        {"min": 1},
        {1: 2},
        [],
        "tag(log)",
        "range()",
        "uniform(a, b)",
    ):
        assert our_form(raw) is None, raw


@pytest.mark.parametrize(
    ("put", "key", "meant"),
    [
        ("method: {learning_rate: 0.1}", "method.learning_rate", "lr"),
        ("method: {batch-size: 8}", "method.batch-size", "batch"),
        ("method: {num_epochs: 8}", "method.num_epochs", "epochs"),
        ("method: {Epochs: 8}", "method.Epochs", "epochs"),
        ("method: {shots: 8}", "method.shots", "tasks.shots"),
        ("method: {per_shots: {16: {LR: 1}}}", "method.per_shots.16.LR", "lr"),
        ("epochs: 8", "epochs", "method.epochs"),
        ("trainer: CoOp", "trainer", "method.prompt"),
        ("model: RN50", "model", "tasks.backbone"),
        ("metric: {name: x}", "metric", "search.objective"),
        ("search: {n_trials: 4}", "search.n_trials", "budget.trials"),
        ("search: {metric: x}", "search.metric", "objective"),
        ("budget: {num_samples: 4}", "budget.num_samples", "trials"),
        ("resources: {num_gpus: 1}", "resources.num_gpus", "gpus"),
        ("parameters: {}", "parameters", "space"),
        ("omega: {min: 0.1, max: 10}", "omega", f"space.omega: {RANGE}"),
        ("method: {omega: {min: 0.1, max: 10}}", "method.omega", f"space.omega: {RANGE}"),
        ("method: {omega: {low: 0.1, high: 10}}", "method.omega", f"space.omega: {RANGE}"),
        ("method: {n_ctx: [4, 8]}", "method.n_ctx", "space.n_ctx: {choices: [4, 8]}"),
        ("lr=0.01: 3", '"lr=0.01"', "method.lr: 0.01"),
        ("search: {method: bayes}", "search.method", "sampler"),
        ("direction: maximize", "direction", "search.objective"),
    ],
)
def test_a_key_by_its_name_here(tmp_path: Path, put: str, key: str, meant: str) -> None:
    path = write(tmp_path, f"name: made\ntasks: {{dataset: clipart}}\n{put}\n")
    (problem,) = (problem for problem in problems_of(path) if problem.key == key)
    assert (problem.line, problem.nearest) == (3, meant)
    assert problem.message == ("wrong type" if key in ("method.omega", "method.n_ctx") else "unknown key")


def test_a_file_of_weights_and_biases(tmp_path: Path) -> None:
    """Each key once, and no word of an empty space, which is there under another name."""
    text = "name: made\ntasks: {dataset: clipart}\nmethod: bayes\nparameters: {omega: {min: 1, max: 2}}\n"
    told = {problem.key: problem.nearest for problem in problems_of(write(tmp_path, text))}
    assert told == {"method": "search.sampler: tpe", "parameters": "space"}


@pytest.mark.parametrize(
    ("put", "meant"),
    [
        ("sampler: TPESampler", "tpe"),
        ("sampler: random_search", "random"),
        ("sampler: CmaEsSampler", "cmaes"),
        ("sampler: bayes", "tpe"),
        ("pruner: MedianPruner", "median"),
        ("pruner: HyperbandPruner", "hyperband"),
    ],
)
def test_samplers_and_pruners_by_their_names_here(tmp_path: Path, put: str, meant: str) -> None:
    (problem,) = problems_of(write(tmp_path, VALID.replace("sampler: tpe", put)))
    assert problem.nearest == meant


@pytest.mark.parametrize(
    ("put", "meant"),
    [
        ("method: random", "search.sampler: random"),
        ("method: bayes", "search.sampler: tpe"),
        ("method: CoOp", "method.prompt: coop"),
        ("tasks: clipart", 'tasks.dataset: "clipart"'),
        ("budget: 20", "budget.trials: 20"),
        ("search: 3", ""),
        ("method: lr=0.01", "method.lr: 0.01"),
    ],
)
def test_a_section_that_is_a_single_value(tmp_path: Path, put: str, meant: str) -> None:
    section = put.partition(":")[0]
    path = write(
        tmp_path, "\n".join(["name: made", *["tasks: {dataset: clipart}"] * (section != "tasks"), put])
    )
    (told,) = (problem for problem in problems_of(path) if problem.key == section)
    assert told.nearest == meant


def test_every_key_that_is_pointed_to_exists() -> None:
    for key, others in MEANT.items():
        section, _, name = key.rpartition(".")
        fields = Method.model_fields if section == "method" else Sweep.model_fields
        if section and section != "method":
            fields = Sweep.model_fields[section].annotation.model_fields
        assert name in fields, key
        assert not set(others) & set(fields), key
    assert len({other for others in MEANT.values() for other in others}) == sum(map(len, MEANT.values()))


def test_a_key_without_its_section() -> None:
    assert [
        full_key(name, SECTIONS)
        for name in ("epochs", "method.epochs", "lr", "trials", "seed", "epoch", "xyz")
    ] == ["method.epochs", "method.epochs", "method.lr", "budget.trials", "search.seed", "method.epochs", ""]
    assert meant_key("bta", ["beta"], "method") == "beta"


def test_another_spelling_of_a_key_of_the_section_is_that_key() -> None:
    """An `optimizer` is a sampler among the keys of a search, and the optimiser among those of a method."""
    assert meant_key("optimizer", SECTIONS["method"], "method") == "optimiser"
    assert meant_key("optimizer", SECTIONS["search"], "search") == "sampler"
    assert meant_key("optimizer", ["name", "tasks", "search"]) == "search.sampler"
