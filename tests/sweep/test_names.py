"""The names that a sweep file may use are those of the registries."""

import inspect
from collections.abc import Sequence

import optuna
import pytest

from nemesis_sweep.spec.faults import Fault, Path
from nemesis_sweep.sweep.names import known_names
from nemesis_sweep.sweep.pruners.registry import pruner_faults
from nemesis_sweep.sweep.samplers.registry import sampler_faults


def test_every_registry_is_asked() -> None:
    known = known_names()
    assert {"clipart", "emoji", "digits"} <= set(known.datasets)
    assert {"icon-clip", "RN50", "ViT-B-16"} <= set(known.backbones)
    assert {"tpe", "random"} <= set(known.samplers)
    assert {"hyperband", "none"} <= set(known.pruners)
    assert "coop" in known.prompts


def test_backbones_beside_the_list_are_judged_by_the_registry() -> None:
    problem_of = known_names().backbone_problem
    assert problem_of is not None
    assert problem_of("ViT-B-16@openai") is None
    unknown = problem_of("ViT-B-61@openai")
    assert unknown is not None
    assert unknown.message == "unknown backbone"
    missing = problem_of("/no/such/folder")
    assert missing is not None
    assert "no such" in missing.message


def test_datasets_beside_the_list_are_judged_by_the_registry() -> None:
    problem_of = known_names().dataset_problem
    assert problem_of is not None
    assert problem_of("./images") is None
    assert problem_of("torchvision:CIFAR10") is None
    unknown = problem_of("caltech-101")
    assert unknown is not None
    assert (unknown.message, unknown.nearest) == ("unknown dataset", "caltech101")


def told(faults: Sequence[Fault]) -> list[tuple[Path, str]]:
    return [(fault.path, fault.message) for fault in faults]


def test_options_are_the_arguments_of_optunas_classes_that_yaml_can_express() -> None:
    assert sampler_faults("tpe", {"n_startup_trials": 3, "group": False, "multivariate": False}) == []
    (unknown,) = sampler_faults("tpe", {"n_startup_trails": 3})
    assert (unknown.path, unknown.nearest) == (("n_startup_trails",), "n_startup_trials")
    assert unknown.allowed.startswith("consider_prior, prior_weight")
    for option in ("seed", "constraints_func", "gamma"):
        assert told(sampler_faults("tpe", {option: 1})) == [((option,), "unknown option of tpe")]
    arguments = inspect.signature(optuna.pruners.HyperbandPruner).parameters
    assert pruner_faults("hyperband", {"nothing": 1})[0].allowed == ", ".join(arguments)
    for name in ("random", "grid"):
        assert told(sampler_faults(name, {"x": 1})) == [(("x",), f"unknown option of {name}")]
    assert told(pruner_faults("none", {"x": 1})) == [(("x",), "unknown option of none")]


@pytest.mark.parametrize(
    ("name", "options", "key", "message"),
    [
        ("median", {"n_startup_trials": "five"}, ("n_startup_trials",), "wrong type"),
        ("median", {"n_startup_trials": True}, ("n_startup_trials",), "wrong type"),
        ("median", {"n_startup_trials": 5.5}, ("n_startup_trials",), "wrong type"),
        ("percentile", {"percentile": 101}, (), "Percentile must be between 0 and 100 inclusive"),
        ("patient", {"patience": -1}, (), "patience cannot be negative but got -1"),
        ("patient", {"pruner": "medain"}, ("pruner",), "unknown pruner"),
        ("patient", {"pruner": "patient"}, ("pruner",), "unknown pruner"),
        ("patient", {"pruner": 3}, ("pruner",), "wrong type"),
        ("wilcoxon", {"p_threshold": 2}, (), "p_threshold must be between 0 and 1"),
    ],
)
def test_values_of_options_are_checked_too(name, options, key, message) -> None:
    (fault,) = pruner_faults(name, options)
    assert fault.path == key
    assert message in fault.message
