"""Whole trials on dual encoders, as a worker trains them: from a folder of weights to results and prompts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nemesis_sweep.prompts.artifact import load_prompt
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.names import known_names
from nemesis_sweep.training.classifier import Classifier
from tests.sweep.in_this_process import run
from tests.vlm.dual_encoders.conftest import Tiny

SWEEP = """
name: dual
tasks: {dataset: digits, shots: 1, replicates: 2, backbone: FOLDER SCALE}
method: {n_ctx: 2, epochs: 2, views: 1, beta: 0}
space: {omega: {low: 1, high: 10}}
search:
  baselines: [zero_shot, coop]
  sampler: random
  pruner: none
  corrupt: {rescale: [0.5, 2], replace: [], on: test}
budget: {trials: 1}
"""


@pytest.mark.parametrize("family", ["clip", "blip", "blip-2", "siglip2"])
def test_trials_are_trained_corrupted_and_kept(
    tiny: Callable[[str], Tiny], tmp_path: Path, family: str
) -> None:
    folder = tiny(family).folder
    scale = "" if tiny(family).backbone.scale_stored else ", logit_scale: 20"
    (tmp_path / "dual.yaml").write_text(SWEEP.replace("FOLDER", str(folder)).replace(" SCALE", scale))
    home = Home(tmp_path / "home")
    results = run(load_sweep(tmp_path / "dual.yaml", (), known_names()), home)
    assert len(results) == 3
    (prompt,) = (each.parent for each in home.path.glob("trials/*/0/prompt.safetensors"))
    assert (prompt / "corruption.parquet").is_file()
    classifier = Classifier(load_prompt(prompt), folder)
    if scale:
        assert classifier.backbone.logit_scale == 20
