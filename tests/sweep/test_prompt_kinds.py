"""One sweep over all kinds of prompts, run to its end in this process, on few shots and from base to new."""

import json

import pytest

from nemesis_sweep.prompts.artifact import load_prompt
from nemesis_sweep.report.results import read_results
from nemesis_sweep.spec.prompts import PROMPTS
from tests.trained_home import verb
from tests.vlm.families import small_vit

SWEEP = """
name: kinds
tasks: {{backbone: {backbone}, dataset: {dataset}, shots: 1, replicates: 2, {more}}}
method: {{omega: 1, beta: 0, epochs: 1, views: 1, batch: 8, {fixed}}}
space:
  prompt: {{choices: [{kinds}]}}
search: {{sampler: grid, pruner: none, baselines: [zero_shot, coop, control], {search}}}
budget: {{trials: {count}}}
"""
OF_TEXT = [kind for kind, entry in PROMPTS.items() if not entry.in_image_tower]
OF_IMAGES = [kind for kind in PROMPTS if kind not in OF_TEXT]


def trained(
    tmp_path,
    monkeypatch,
    kinds,
    fixed,
    backbone="icon-clip",
    dataset="digits",
    more="protocol: few_shot",
    search="",
):
    """The rows of a sweep over kinds, by their numbers, and its home."""
    file, home = tmp_path / "kinds.yaml", tmp_path / "home"
    given = {"backbone": backbone, "dataset": dataset, "more": more, "fixed": fixed, "search": search}
    text = SWEEP.format(**given, kinds=", ".join(kinds), count=len(kinds))
    file.write_text(text, encoding="utf-8")
    told = verb(monkeypatch, "run", file, "--home", home)
    assert told.exit_code == 0, told.output
    assert ("of the image tower of" in told.stderr) == (not set(kinds).isdisjoint(OF_IMAGES))
    rows = [row for row in read_results(home) if row.number.isdigit()]
    assert {row.config["prompt"] for row in rows} == set(kinds)
    assert all(row.state == "COMPLETE" and row.metrics["test/accuracy"] >= 0 for row in rows)
    return rows, home


@pytest.fixture(scope="module", name="vit")
def _vit(tmp_path_factory):
    """A folder with a small model whose image tower is a ViT of three blocks."""
    return small_vit(tmp_path_factory.mktemp("weights") / "vit")


@pytest.mark.parametrize("protocol", ["few_shot", pytest.param("base_to_new", marks=pytest.mark.slow)])
def test_all_kinds_are_trained_tested_and_kept(tmp_path, monkeypatch, protocol):
    rows, home = trained(tmp_path, monkeypatch, OF_TEXT, "n_ctx: 2", more=f"protocol: {protocol}")
    for row in rows:
        (folder,) = home.glob(f"trials/*/{row.number}")
        assert load_prompt(folder).kind == row.config["prompt"]
    (coop,) = home.glob("trials/*/coop/result.json")
    assert json.loads(coop.read_text(encoding="utf-8"))["config"]["prompt"] == "coop"


@pytest.mark.parametrize(
    ("dataset", "more", "tested"),
    [
        ("digits", "protocol: base_to_new", {"test/base", "test/new", "test/H"}),
        pytest.param(
            "clipart",
            "protocol: domain_generalization, targets: clipart_ink",
            {"test/source", "test/clipart_ink"},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_those_of_the_image_tower_too(tmp_path, monkeypatch, vit, dataset, more, tested):
    """On a ViT, beside a kind that reads whole images; other class names and other images at the end."""
    fixed = "n_ctx_vision: 2, vision_last: 2"
    rows, _ = trained(tmp_path, monkeypatch, ["coop", *OF_IMAGES], fixed, vit, dataset, more)
    for row in rows:
        assert tested <= set(row.metrics)


def test_a_joint_trial_with_the_image_tower(tmp_path, monkeypatch, vit):
    rows, _ = trained(
        *(tmp_path, monkeypatch, OF_IMAGES, "n_ctx_vision: 2", vit, "[digits, emoji]"), search="study: joint"
    )
    assert {row.task for row in rows} >= {"digits-1shot", "emoji-1shot"}
