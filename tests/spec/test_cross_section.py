"""Sections that are right by themselves and wrong together."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.budget import Budget
from nemesis_sweep.spec.dump import resolved, sweep_to_yaml
from nemesis_sweep.spec.kinds import KINDS
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.method import MethodSection
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Tasks
from nemesis_sweep.sweep.names import known_names
from tests.spec.files import KNOWN, problems_of, write

TARGETS = {"base_to_new": "", "domain_generalization": "  targets: emoji\n"}
TASKS = "name: t\ntasks: {dataset: [clipart, emoji]}\n"

CASES = yaml.safe_load(Path(__file__).with_name("cross_section.yaml").read_text())


@pytest.mark.parametrize("rest", CASES["good"].values(), ids=CASES["good"].keys())
def test_what_goes_together(tmp_path: Path, rest: str) -> None:
    load_sweep(write(tmp_path, TASKS + rest), known=KNOWN)


@pytest.mark.parametrize("case", CASES["bad"], ids=lambda case: case["told"][:60])
def test_what_does_not(tmp_path: Path, case: dict[str, str]) -> None:
    path = write(tmp_path, TASKS + case["file"])
    assert f"{path}:{case['told']}" in [str(problem) for problem in problems_of(path)]


@pytest.mark.parametrize(
    "rest",
    [
        "method: {csc: true}\nbudget: {trials: 0}",
        "method: {per_dataset: {clipart: {csc: true}}}\nbudget: {trials: 0}",
        "space: {csc: {choices: [true, false]}}",
    ],
)
@pytest.mark.parametrize("protocol", ["base_to_new", "domain_generalization"])
def test_class_contexts_cannot_transfer(tmp_path: Path, rest: str, protocol: str) -> None:
    text = f"name: t\ntasks:\n  dataset: clipart\n  protocol: {protocol}\n{TARGETS[protocol]}{rest}"
    (problem,) = problems_of(write(tmp_path, text))
    assert (problem.key, problem.line, problem.found) == ("tasks.protocol", 4, f'"{protocol}"')
    assert "class-specific contexts (csc)" in problem.message


@pytest.mark.parametrize("protocol", ["base_to_new", "domain_generalization"])
def test_a_linear_probe_cannot_transfer(tmp_path: Path, protocol: str) -> None:
    text = f"name: t\ntasks:\n  dataset: clipart\n  protocol: {protocol}\nbudget: {{trials: 0}}\n"
    text = text.replace("budget", f"{TARGETS[protocol]}budget")
    (problem,) = problems_of(write(tmp_path, text + "search: {baselines: [linear_probe]}"))
    assert (problem.key, problem.line, problem.found) == (
        "search.baselines",
        text.count("\n") + 1,
        "linear_probe",
    )
    load_sweep(write(tmp_path, text), known=KNOWN)


def test_a_value_that_is_wrong_itself_accuses_no_other(tmp_path: Path) -> None:
    text = TASKS + (
        "method: {beta: zero, n_ctx: x, n_positions: 20}\n"
        "space: {omega: {low: 1, high: 2}, corruption: {low: 0, high: 1}}"
    )
    assert {problem.key for problem in problems_of(write(tmp_path, text))} == {"method.beta", "method.n_ctx"}
    text = TASKS + "space: {omega: {low: 3, high: 2}, norm: {choices: [1, 2]}}"
    assert [problem.key for problem in problems_of(write(tmp_path, text))] == ["space.omega.low"]
    text = TASKS + "space: {omga: {low: 1, high: 2}}"
    assert [problem.key for problem in problems_of(write(tmp_path, text))] == ["space.omga"]


def test_a_default_that_stands_in_the_way_is_named_as_one(tmp_path: Path) -> None:
    path = write(tmp_path, TASKS + "space: {omega: {low: 1, high: 2}, corruption: {low: 0, high: 1}}")
    (problem,) = problems_of(path)
    assert problem.found == "beta: 1.0 (the default)"
    assert problem.allowed == "a beta below 1, fixed or searched"


@pytest.mark.parametrize("kind", ["deep_text", "prefix"])
def test_a_kind_with_vectors_in_every_block_has_positions_there(tmp_path: Path, kind: str) -> None:
    for fields in ("n_ctx: 2, prompt_depth: 3, n_positions: 6", "n_ctx: 2, n_positions: 12"):
        text = TASKS + f"method: {{prompt: {kind}, {fields}}}\nbudget: {{trials: 0}}"
        assert load_sweep(write(tmp_path, text), known=known_names()).method.prompt == kind


def test_a_sweep_made_in_python_is_checked_too() -> None:
    with pytest.raises(UserError, match=r"method\.n_positions: more positions than context vectors"):
        Sweep(
            name="t",
            tasks=Tasks(dataset=["clipart"]),
            method=MethodSection(n_ctx=2, n_positions=3),
            budget=Budget(trials=0),
        )
    with pytest.raises(UserError, match=r"space\.omga: unknown key"):
        Sweep.model_validate({"name": "t", "tasks": {"dataset": "clipart"}, "space": {"omga": {}}})


def with_tasks(tmp_path: Path, tasks: str) -> Path:
    return write(tmp_path, f"name: t\ntasks: {tasks}\nbudget: {{trials: 0}}\n")


@pytest.mark.parametrize(
    "tasks",
    [
        "{dataset: emoji, protocol: base_to_new}",
        "{dataset: emoji, protocol: domain_generalization, targets: clipart}",
        "{dataset: emoji, protocol: domain_generalization, targets: [clipart]}",
    ],
)
def test_protocols_and_targets_that_fit(tmp_path: Path, tasks: str) -> None:
    load_sweep(with_tasks(tmp_path, tasks), known=KNOWN)


@pytest.mark.parametrize(
    ("tasks", "told"),
    [
        (
            "{dataset: emoji, protocol: domain_generalization}",
            "tasks.protocol: domain generalisation needs datasets to test on",
        ),
        (
            "{dataset: emoji, targets: clipart}",
            "tasks.targets: only domain generalisation has targets; found clipart",
        ),
        (
            "{dataset: emoji, protocol: domain_generalization, targets: [clipart, emoji]}",
            'tasks.targets.1: trained on and tested on; found "emoji"',
        ),
        (
            "{dataset: emoji, protocol: domain_generalization, targets: [klipart]}",
            "Did you mean 'clipart'?",
        ),
    ],
)
def test_protocols_and_targets_that_do_not(tmp_path: Path, tasks: str, told: str) -> None:
    (problem,) = problems_of(with_tasks(tmp_path, tasks))
    assert f"{problem.file}:2: tasks." in str(problem)
    assert told in str(problem)


@pytest.mark.parametrize("protocol", ["base_to_new", "domain_generalization"])
def test_a_kind_of_prompt_that_cannot_transfer(
    tmp_path: Path, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, "kgcoop", replace(KINDS["kgcoop"], transfers=False))
    text = f"name: t\ntasks:\n  dataset: clipart\n  protocol: {protocol}\n{TARGETS[protocol]}"
    text += "method: {prompt: kgcoop}\nbudget: {trials: 0}"
    (problem,) = problems_of(write(tmp_path, text))
    assert (problem.key, problem.line) == ("tasks.protocol", 4)
    assert "kgcoop cannot be tested on classes that it was not trained on" in problem.message
    assert problem.allowed.startswith("few_shot, or prompt: coop")


def test_a_dumped_sweep_has_the_fields_of_its_kinds(tmp_path: Path) -> None:
    plain = load_sweep(write(tmp_path, f"{TASKS}budget: {{trials: 0}}"), known=KNOWN)
    assert "anchor_weight" not in resolved(plain)["method"]
    rest = "method: {prompt: kgcoop}\nbudget: {trials: 0}"
    other = load_sweep(write(tmp_path, TASKS + rest), known=KNOWN)
    assert resolved(other)["method"]["anchor_weight"] == 8.0
    (tmp_path / "again.yaml").write_text(sweep_to_yaml(other))
    assert load_sweep(tmp_path / "again.yaml", known=KNOWN) == other


def test_a_backbone_without_parts_of_images_for_a_kind_that_reads_them(tmp_path: Path) -> None:
    text = "name: t\ntasks: {dataset: clipart, backbone: [RN50, ViT-B-16-SigLIP]}\n"
    text += "method: {prompt: plot}\nbudget: {trials: 0}"
    with pytest.raises(UserError) as caught:
        load_sweep(write(tmp_path, text), known=known_names())
    (problem,) = caught.value.problems
    assert (problem.key, problem.line, problem.found) == ("tasks.backbone", 2, '"ViT-B-16-SigLIP"')
    assert problem.message.startswith("plot reads the parts of an image, and its image tower is timm's")
    assert problem.allowed == "open_clip's own ResNets and ViTs, such as RN50, or another prompt"


@pytest.mark.parametrize("kind", ["deep_text", "prefix"])
def test_a_text_tower_without_so_many_blocks_or_none_to_reach_into(tmp_path: Path, kind: str) -> None:
    text = "name: t\ntasks: {dataset: clipart, backbone: [icon-clip, ViT-B-16, roberta-ViT-B-32]}\n"
    text += f"method: {{prompt: {kind}, prompt_depth: 9}}\nspace: {{omega: {{low: 1, high: 2}}}}"
    with pytest.raises(UserError) as caught:
        load_sweep(write(tmp_path, text), known=known_names())
    encoder, deeper = sorted(caught.value.problems, key=lambda problem: problem.line)
    assert str(deeper).endswith(
        ":3: method.prompt_depth: deeper than the text tower of icon-clip; found 9; allowed: at most 6"
    )
    assert (encoder.line, encoder.key, encoder.found) == (2, "tasks.backbone", '"roberta-ViT-B-32"')
    assert f"{kind} cannot reach into the blocks of a Hugging Face text encoder" in encoder.message
    load_sweep(write(tmp_path, text), ["tasks.backbone=icon-clip", "method.prompt_depth=6"], known_names())


def test_a_text_tower_without_a_block_behind_so_many(tmp_path: Path) -> None:
    text = "name: t\ntasks: {dataset: clipart, backbone: [icon-clip, ViT-B-16, roberta-ViT-B-32]}\n"
    text += "method: {prompt: tcp, class_block: 8}\nspace: {omega: {low: 1, high: 2}}"
    with pytest.raises(UserError) as caught:
        load_sweep(write(tmp_path, text), known=known_names())
    encoder, behind = sorted(caught.value.problems, key=lambda problem: problem.line)
    assert str(behind).endswith(
        ":3: method.class_block: no block of the text tower of icon-clip is left behind so many; found 8; "
        "allowed: at most 5"
    )
    assert "tcp cannot reach into the blocks of a Hugging Face text encoder" in encoder.message
    load_sweep(write(tmp_path, text), ["tasks.backbone=ViT-B-16"], known_names())
    load_sweep(write(tmp_path, text), ["tasks.backbone=icon-clip", "method.class_block=5"], known_names())


def test_a_text_tower_of_one_block_has_none_behind_the_first(tmp_path: Path) -> None:
    known = replace(known_names(), text_blocks=lambda name: 1)
    text = "name: t\ntasks: {dataset: clipart, backbone: icon-clip}\n"
    text += "method: {prompt: tcp}\nspace: {omega: {low: 1, high: 2}}"
    for more in ([], ["method.class_block=1"]):
        with pytest.raises(UserError) as caught:
            load_sweep(write(tmp_path, text), more, known)
        (problem,) = caught.value.problems
        assert (problem.key, problem.found) == ("tasks.backbone", '"icon-clip", with 1')
        assert problem.message == "tcp needs a block of the text tower behind the first"
    load_sweep(write(tmp_path, text), ["method.prompt=deep_text"], known)


def test_an_image_tower_that_vectors_cannot_be_put_into(tmp_path: Path) -> None:
    text = "name: t\ntasks: {dataset: clipart, backbone: [icon-clip, ViT-B-16, ViT-B-16-SigLIP]}\n"
    text += "method: {prompt: vpt}\nbudget: {trials: 0}"
    with pytest.raises(UserError) as caught:
        load_sweep(write(tmp_path, text), known=known_names())
    resnet, timm = caught.value.problems
    assert (resnet.key, resnet.line, resnet.found) == ("tasks.backbone", 2, '"icon-clip"')
    assert resnet.message == "vpt puts vectors into the image tower, and its image tower is a ResNet"
    assert resnet.allowed == "open_clip's own ViTs, such as ViT-B-16, or another prompt"
    assert timm.found == '"ViT-B-16-SigLIP"' and "is timm's vit_base_patch16_siglip_224" in timm.message
    both = ["method.prompt=", "space.prompt={choices: [vpt, maple]}", "tasks.backbone=icon-clip"]
    with pytest.raises(UserError, match="vpt, maple put vectors into the image tower, and its image"):
        load_sweep(write(tmp_path, text), both, known_names())


@pytest.mark.parametrize(
    ("method", "space", "told"),
    [
        (
            "vision_last: 13",
            "omega: {low: 1, high: 2}",
            "3: method.vision_last: more blocks than the image tower of ViT-B-16 has; found 13; "
            "allowed: at most 12",
        ),
        (
            "omega: 1",
            "vision_last: {low: 1, high: 24}",
            "4: space.vision_last: more blocks than the image tower of ViT-B-16 has; found 24; "
            "allowed: at most 12",
        ),
        (
            "prompt_depth_vision: 13",
            "omega: {low: 1, high: 2}",
            "3: method.prompt_depth_vision: more blocks with vectors of their own than blocks that it can "
            "meet; found 13; allowed: at most 12",
        ),
        (
            "vision_last: 2",
            "prompt_depth_vision: {choices: [1, 3]}",
            "4: space.prompt_depth_vision: more blocks with vectors of their own than blocks that it can "
            "meet; found 3; allowed: at most 2",
        ),
        (
            "vision_last: 2, n_ctx_vision: 4, omega: 1, beta: 0, n_positions: 9",
            "lr: {low: 0.1, high: 1}",
            "3: method.n_positions: more positions than context vectors; found 9; allowed: at most 8, the "
            "smallest n_ctx_vision times blocks with their own that it can meet",
        ),
        (
            "omega: 1, beta: 0, n_positions: 97",
            "lr: {low: 0.1, high: 1}",
            "3: method.n_positions: more positions than context vectors; found 97; allowed: at most 96, the "
            "smallest n_ctx_vision times blocks with their own that it can meet",
        ),
        (
            "n_ctx: 4",
            "omega: {low: 1, high: 2}",
            "3: method.n_ctx: vpt has no n_ctx; found 4; allowed: without it, or prompt: coop or kgcoop or "
            "cocoop or plot or deep_text",
        ),
        (
            "prompt: maple, prompt_depth: 3, vision_last: 2",
            "lr: {low: 0.1, high: 1}",
            "3: method.prompt_depth: more blocks with vectors of their own than blocks that it can meet; "
            "found 3; allowed: at most 2",
        ),
        (
            "prompt: maple, vision_last: 2, n_ctx: 4, omega: 1, beta: 0, n_positions: 9",
            "lr: {low: 0.1, high: 1}",
            "3: method.n_positions: more positions than context vectors; found 9; allowed: at most 8, the "
            "smallest n_ctx times prompt_depth it can meet",
        ),
        (
            "prompt: promptsrc, prompt_depth: 9, vision_last: 2, prompt_depth_vision: 3",
            "lr: {low: 0.1, high: 1}",
            "3: method.prompt_depth_vision: more blocks with vectors of their own than blocks that it can "
            "meet; found 3; allowed: at most 2",
        ),
        (
            "prompt: promptsrc, prompt_depth: 3, vision_last: 2, n_ctx: 4, n_ctx_vision: 5, omega: 1, "
            "beta: 0, n_positions: 23",
            "lr: {low: 0.1, high: 1}",
            "3: method.n_positions: more positions than context vectors; found 23; allowed: at most 22, the "
            "smallest n_ctx times prompt_depth it can meet plus the smallest n_ctx_vision times blocks with "
            "their own that it can meet",
        ),
        (
            "prompt: promptsrc",
            "average_std: {low: 0.1, high: 1}",
            "4: space.average_std: searching average_std can change nothing, as what the last epoch leaves "
            'is kept; found average: "none" (the default); allowed: average: gaussian, fixed or searched',
        ),
        ("vision_last: 0", "omega: {low: 1, high: 2}", "3: method.vision_last: out of range; found 0"),
    ],
)
def test_blocks_that_do_not_fit_an_image_tower(tmp_path: Path, method: str, space: str, told: str) -> None:
    text = "name: t\ntasks: {dataset: clipart, backbone: ViT-B-16}\n"
    prompted = method if method.startswith("prompt: ") else f"prompt: vpt, {method}"
    path = write(tmp_path, text + f"method: {{{prompted}}}\nspace: {{{space}}}")
    with pytest.raises(UserError) as caught:
        load_sweep(path, known=known_names())
    assert any(str(problem).startswith(f"{path}:{told}") for problem in caught.value.problems)
    good = ["method.n_ctx_vision=2", "method.vision_last=2", "method.prompt_depth_vision=2"]
    load_sweep(
        write(tmp_path, text + "method: {prompt: vpt}\nspace: {lr: {low: 0.1, high: 1}}"), good, known_names()
    )


def test_a_depth_of_another_kind_beside_that_of_both_towers(tmp_path: Path) -> None:
    """Under the choice that it belongs to, what the image tower lacks does not matter."""
    text = "name: t\ntasks: {dataset: clipart, backbone: ViT-B-16}\nmethod: {vision_last: 2}\n"
    kinds = "{deep_text: {prompt_depth: {low: 1, high: 9}}, maple: {prompt_depth: {low: 1, high: 2}}}"
    load_sweep(write(tmp_path, text + f"space: {{prompt: {{choices: {kinds}}}}}"), known=known_names())
    text = text.replace("vision_last: 2", "prompt: promptsrc, vision_last: 2, prompt_depth: 9")
    load_sweep(write(tmp_path, text + "space: {text_weight: {low: 0, high: 50}}"), known=known_names())
