"""`nemesis-sweep backbones`: the list without torch, and what is told of a model."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from nemesis_sweep.cli import main
from nemesis_sweep.vlm.backbone import load_backbone


def call(*arguments: str):
    return CliRunner().invoke(main, ["backbones", *arguments])


def test_the_list_names_what_can_be_loaded_without_torch() -> None:
    script = (
        "import sys\nfrom nemesis_sweep.cli import main\n"
        "main(['backbones', '--json'], standalone_mode=False)\n"
        "sys.exit(bool({'torch', 'open_clip', 'numpy'} & sys.modules.keys()))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 0
    told = json.loads(result.stdout)
    assert "icon-clip" in told["embedded"]
    assert {"ViT-B-16", "RN50", "ViT-B-16-SigLIP"} <= set(told["architectures"])
    lines = [line.strip() for line in call().output.splitlines()]
    assert set(told["embedded"]) | set(told["architectures"]) <= set(lines)


def test_check_of_the_embedded_model_tells_what_is_loaded() -> None:
    told = json.loads(call("--check", "icon-clip", "--json").output)
    backbone = load_backbone("icon-clip")
    assert told["weights"] == "read from disk"
    assert told["text_width"] == backbone.text_width
    assert told["text_layers"] == len(backbone.text.blocks)
    assert told["text_heads"] == backbone.text.heads
    assert told["context_length"] == 77
    assert told["image_size"] == backbone.preprocess.image_size
    assert told["embed_dim"] == backbone.embed_dim
    assert told["text_path"] == "shared"
    assert told["causal"] is True
    assert told["logit_bias"] is None


def test_check_of_an_architecture_downloads_nothing(monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    told = json.loads(call("--check", "ViT-B-32@laion2b_s34b_b79k", "--json").output)
    assert told["weights"] == "random, of the same architecture"
    sizes = ("text_width", "text_layers", "text_heads", "image_size", "embed_dim")
    assert [told[name] for name in sizes] == [512, 12, 8, 224, 512]
    assert told["text_path"] == "shared"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ViT-B-16-SigLIP", "attention looks both ways (no causal mask)"),
        ("coca_ViT-B-32", "a class embedding is appended to each text and padding is masked (CoCa)"),
    ],
)
def test_a_tower_that_cannot_share_says_why(monkeypatch, name, reason) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    told = json.loads(call("--check", name, "--json").output)
    assert (told["text_path"], told["reason"]) == ("plain", reason)
    assert told["causal"] == ("SigLIP" not in name)


def test_facts_are_shown_one_a_line() -> None:
    lines = call("--check", "icon-clip").output.splitlines()
    assert {"text width      128", "causal          yes", "logit bias      none"} <= set(lines)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ViT-B-17", "Did you mean 'ViT-B-1"),
        ("roberta-ViT-B-32", "no place for context vectors"),
        ("no/such/folder", "no such backbone folder or file"),
    ],
)
def test_what_cannot_be_checked_ends_with_2(name, message) -> None:
    result = call("--check", name)
    assert result.exit_code == 2
    assert message in result.stderr
