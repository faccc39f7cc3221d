"""The names that a sweep file may use are those of the registries."""

import inspect

import optuna

from nemesis_sweep.sweep.names import known_names


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


def test_options_are_the_arguments_of_optunas_classes() -> None:
    known = known_names()
    assert known.sampler_options is not None
    assert known.pruner_options is not None
    assert "n_startup_trials" in known.sampler_options("tpe")
    assert "seed" not in known.sampler_options("tpe")
    arguments = inspect.signature(optuna.pruners.HyperbandPruner).parameters
    assert list(known.pruner_options("hyperband")) == list(arguments)
    assert list(known.sampler_options("random")) == []
    assert list(known.pruner_options("none")) == []
