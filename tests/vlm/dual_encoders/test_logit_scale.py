"""The factor on cosines of a backbone whose weights have none: given in a sweep file, kept with prompts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from nemesis_sweep.cli import main
from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.prompts.artifact import load_prompt, save_prompt
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.logged import task_values
from nemesis_sweep.sweep.worker import worker_cache
from nemesis_sweep.training.api import fit
from nemesis_sweep.training.classifier import Classifier
from nemesis_sweep.training.references.fitted import fit_reference
from nemesis_sweep.training.references.saved import load_reference, save_reference
from nemesis_sweep.vlm.dual_encoders.families import USUAL_SCALE
from tests.vlm.dual_encoders.conftest import Tiny

SWEEP = """
name: scaled
tasks: {{backbone: [{}], dataset: clipart, shots: 1, replicates: 1{}}}
method: {{epochs: 2}}
space: {{omega: {{low: 0.1, high: 10, log: true}}}}
budget: {{trials: 1}}
"""


@pytest.fixture
def sweep(tiny: Callable[[str], Tiny], tmp_path: Path) -> Callable[..., Path]:
    def write(*others: str, scale: str = "") -> Path:
        path = tmp_path / "sweep.yaml"
        backbones = ", ".join(others or [str(tiny("blip").folder)])
        path.write_text(SWEEP.format(backbones, f", logit_scale: {scale}" if scale else ""))
        return path

    return write


def told(verb: str, path: Path) -> str:
    return CliRunner().invoke(main, [verb, str(path)]).output


def test_plan_says_it(sweep: Callable[..., Path]) -> None:
    assert "stores no logit_scale: 14.29 (the usual 1 / 0.07, tasks.logit_scale sets it)" in told(
        "plan", sweep()
    )
    assert "stores no logit_scale: 20 (tasks.logit_scale); CLIP's is 100" in told("plan", sweep(scale="20"))
    assert "logit_scale" not in told("plan", sweep("icon-clip"))


def test_it_is_refused_where_every_backbone_has_one_of_its_own(sweep: Callable[..., Path]) -> None:
    assert "tasks.logit_scale: every backbone here has a logit_scale of its own" in told(
        "validate", sweep("icon-clip", scale="20")
    )
    assert "tasks.logit_scale: out of range; found 0" in told("validate", sweep(scale="0"))
    assert "is valid" in told("validate", sweep(scale="20"))


def test_a_task_trains_with_it(tiny: Callable[[str], Tiny]) -> None:
    task = Task(str(tiny("blip").folder), "clipart", 1, "few_shot", logit_scale=20.0)
    again = Task.from_plain(json.loads(json.dumps(task.__dict__)))
    assert again == task
    worker_cache.forget()
    found = worker_cache.scaled(task.backbone, "fp32", task.start, task.logit_scale)
    assert found.logit_scale == 20
    assert worker_cache.backbone(task.backbone, task.start).logit_scale == USUAL_SCALE
    worker_cache.forget()
    assert task_values([task])["logit_scale"] == "20.0"
    assert "logit_scale" not in task_values([Task("icon-clip", "clipart", 1, "few_shot")])


def test_a_prompt_is_used_with_the_factor_that_it_was_learnt_with(
    tiny: Callable[[str], Tiny], colours: Dataset, tmp_path: Path
) -> None:
    one = tiny("blip")
    kept = {}
    for scale in (None, 20):
        result = fit(
            one.backbone.scaled(scale), colours, shots=1, seeds=(1,), method={"epochs": 1, "n_ctx": 2}
        )
        save_prompt(tmp_path / "p", result.prompt)
        learnt = load_prompt(tmp_path / "p")
        assert learnt.logit_scale == (scale or USUAL_SCALE)
        classifier = Classifier(learnt, one.folder)
        assert classifier.backbone.logit_scale == (scale or USUAL_SCALE)
        kept[scale] = classifier.probabilities([colours.test[0].read()])
    assert not torch.allclose(kept[None], kept[20], atol=1e-4)


def test_so_is_a_row_without_a_prompt(tiny: Callable[[str], Tiny], colours: Dataset, tmp_path: Path) -> None:
    one = tiny("blip")
    result = fit_reference("tip_adapter", one.backbone.scaled(20), colours, shots=1, seeds=(1,))
    save_reference(tmp_path / "r", result.reference)
    assert Classifier(load_reference(tmp_path / "r"), one.folder).backbone.logit_scale == 20


def test_of_other_backbones_nothing_is_kept(colours: Dataset, tmp_path: Path) -> None:
    """So their files are what they were."""
    result = fit("icon-clip", colours, shots=1, seeds=(1,), method={"epochs": 1, "n_ctx": 2})
    save_prompt(tmp_path / "p", result.prompt)
    assert "logit_scale" not in json.loads((tmp_path / "p" / "prompt.json").read_text())
