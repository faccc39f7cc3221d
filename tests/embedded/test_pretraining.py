"""Pretraining of the embedded CLIP: the tasks it tunes prompts on, the tuning, and a short run of it all."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from nemesis_sweep.embedded.make import pretrain
from nemesis_sweep.embedded.make.export import export
from nemesis_sweep.embedded.make.sentences import DOMAINS
from nemesis_sweep.embedded.make.tasks import Tasks
from nemesis_sweep.embedded.make.tuning import tune

NAMES = tuple(f"{colour} {thing}" for colour in ("red", "blue", "old", "new") for thing in "abcdefghijklmnop")


def entries() -> list[dict]:
    """Eight pictures of each name in each domain, most of them of a kind."""
    return [
        {
            "source": f"{domain}:{name}:{i}",
            "name": name,
            "domain": domain,
            "tags": [],
            "kinds": ["thing one draws"] if i % 3 else [],
            "one_colour": False,
            "mirror": True,
            "weight": 1.0,
        }
        for domain in DOMAINS
        for name in NAMES
        for i in range(8)
    ]


def test_a_task_is_tuned_and_judged_on_different_pictures_of_its_classes() -> None:
    pool = entries()
    tasks = Tasks(pool)
    for seed in range(20):
        task = tasks.draw(64, np.random.default_rng(seed))
        assert 0 < len(task.rows) <= 64
        assert not set(task.rows) & set(task.support)
        # What is said of more than a fifth of a domain says too little to be a class.
        assert set(task.words) <= set(NAMES)
        for rows, labels in ((task.rows, task.labels), (task.support, task.support_labels)):
            told = [pool[i]["name"] == task.words[k] for i, k in zip(rows, labels, strict=True)]
            assert all(told) != task.renamed
        assert len({pool[i]["domain"] for i in task.support}) == 1


@pytest.mark.parametrize("first_steps", [0, 3])
def test_tuning_lowers_the_query_loss_and_is_learnt_through(first_steps: int) -> None:
    torch.manual_seed(0)
    classes = F.normalize(torch.randn(4, 8), dim=-1)
    labels = torch.arange(4).repeat(6)
    images = F.normalize(classes[labels] + 0.1 * torch.randn(24, 8), dim=-1)
    # One context vector of 32 numbers, read by a layer that pretraining learns.
    layer = torch.nn.Linear(32, 32, bias=False)

    def encode(context: torch.Tensor) -> torch.Tensor:
        return F.normalize(layer(context[0]).view(4, 8), dim=-1)

    query = (images[12:], labels[12:])
    start = 0.02 * torch.randn(1, 32)
    with torch.no_grad():
        untuned = F.cross_entropy(10 * query[0] @ encode(start).T, query[1])
    tuned = tune(encode, start, (images[:12], labels[:12]), query, first_steps)
    assert tuned.after > tuned.before
    assert tuned.loss.item() < untuned.item()
    tuned.loss.backward()
    assert layer.weight.grad is not None and layer.weight.grad.abs().max() > 0


def test_a_short_run_is_logged_kept_gone_on_with_and_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (len(entries()), 56, 56, 3), np.uint8)
    np.save(tmp_path / "pool.npy", pictures)
    (tmp_path / "pool.json").write_text(json.dumps(entries()))
    run, threads = tmp_path / "run", torch.get_num_threads()
    command = ["pretrain", str(tmp_path), str(run), "--width", "8", "--text-layers", "1", "--batch", "16"]
    for steps in ("50", "52"):
        monkeypatch.setattr(sys, "argv", [*command, "--tasks", "0.2", "--steps", steps])
        pretrain.main()
    torch.set_num_threads(threads)
    record = json.loads((run / "log.jsonl").read_text().splitlines()[0])
    assert record["step"] == 50
    assert {"loss", "accuracy", "task_loss", "told", "untuned", "tuned", "scale"} <= record.keys()
    export(run / "checkpoint.safetensors", tmp_path / "exported")
    weights = load_file(tmp_path / "exported" / "open_clip_model.safetensors")
    assert all(t.isfinite().all() for t in weights.values())
