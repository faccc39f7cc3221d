"""The names that a sweep file may use are those of the registries."""

import inspect
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path as FilePath

import optuna
import pytest

from nemesis_sweep.messages.faults import Fault, Path
from nemesis_sweep.spec.choices import ANNEALINGS, SELECTIONS
from nemesis_sweep.spec.part import part_at
from nemesis_sweep.spec.pruners import PRUNERS
from nemesis_sweep.spec.samplers import SAMPLERS
from nemesis_sweep.sweep.names import known_names
from nemesis_sweep.sweep.pruners.registry import pruner_faults
from nemesis_sweep.sweep.samplers.registry import sampler_faults

TOP = FilePath(__file__).parents[2]


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


@pytest.mark.parametrize("page", ["README.md", "docs/search.md", "search_spaces/pan.yaml"])
def test_every_sampler_and_pruner_stands_in_the_pages_that_list_them(page: str) -> None:
    text = (TOP / page).read_text(encoding="utf-8")
    missing = [name for name in (*SAMPLERS, *PRUNERS) if not re.search(rf"\b{name}\b", text)]
    assert not missing


@pytest.mark.parametrize("table", [SAMPLERS, PRUNERS, ANNEALINGS, SELECTIONS])
def test_every_entry_of_a_table_leads_to_its_code(table) -> None:
    for entry in table.values():
        assert callable(part_at(entry.factory))
        assert entry.about


def test_no_two_parts_are_called_the_same_by_other_tools() -> None:
    others = [name for part in (*SAMPLERS.values(), *PRUNERS.values()) for name in part.others]
    assert len(others) == len(set(others))


def test_the_tables_import_neither_torch_nor_optuna() -> None:
    code = "import sys, nemesis_sweep.spec.loader; print(sorted({'torch', 'optuna'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
