"""`nemesis-sweep backbones`: the list without torch, and what is told of a model."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import huggingface_hub.constants
import open_clip
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from nemesis_sweep.cli import main
from nemesis_sweep.vlm.load_backbone import load_backbone


@pytest.fixture
def nobody_asked(monkeypatch):
    """No host may be looked up: an offline setting would hide what waits for the network elsewhere."""
    asked: list[object] = []

    def look_up(host, *rest, **more):
        asked.append(host)
        raise OSError("no network in this test")

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    yield
    assert asked == []


@pytest.fixture
def cached_repository(tmp_path, monkeypatch):
    """A function that makes an empty repository in a hub cache of the test's own and gives its folder."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))

    def make(name: str) -> Path:
        root = tmp_path / f"models--{name.replace('/', '--')}"
        snapshot = root / "snapshots" / ("1" * 40)
        snapshot.mkdir(parents=True)
        (root / "refs").mkdir()
        (root / "refs" / "main").write_text("1" * 40)
        return snapshot

    return make


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
    assert set(told["architectures"]["ViT-B-16-SigLIP2"]) == {"webli"}
    assert told["architectures"]["ViT-M-16"] == {}
    names = {line.split()[0] for line in call().output.splitlines() if line.startswith("  ")}
    assert set(told["embedded"]) | set(told["architectures"]) <= names


def test_the_list_tells_what_is_on_this_machine(cached_repository) -> None:
    snapshot = cached_repository("timm/vit_base_patch16_clip_224.openai")
    assert json.loads(call("--json").output)["architectures"]["ViT-B-16"]["openai"] is False
    for name in ("open_clip_config.json", "open_clip_model.safetensors"):
        (snapshot / name).touch()
    told = json.loads(call("--json").output)
    assert told["architectures"]["ViT-B-16"]["openai"] is True
    assert told["architectures"]["ViT-B-16"]["laion2b_s34b_b88k"] is False
    assert told["cached"] == ["hf-hub:timm/vit_base_patch16_clip_224.openai"]
    assert "openai*, laion400m_e31," in call().output


def test_check_of_the_embedded_model_tells_what_is_loaded() -> None:
    told = json.loads(call("--check", "icon-clip", "--json").output)
    backbone = load_backbone("icon-clip")
    assert told["weights"].endswith(".safetensors")
    assert told["cached"] is True
    assert told["activation"] == "GELU"
    assert told["text_width"] == backbone.text_width
    assert told["text_layers"] == len(backbone.text.blocks)
    assert told["text_heads"] == backbone.text.heads
    assert told["context_length"] == 77
    assert told["image_size"] == backbone.preprocess.image_size
    assert told["embed_dim"] == backbone.embed_dim
    assert told["text_path"] == "shared"
    assert told["causal"] is True
    assert told["logit_bias"] is None


def test_check_of_an_architecture_downloads_nothing(nobody_asked) -> None:
    told = json.loads(call("--check", "ViT-B-32@laion2b_s34b_b79k", "--json").output)
    assert told["weights"] == "laion2b_s34b_b79k, hf-hub:laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
    assert told["cached"] is False
    sizes = ("text_width", "text_layers", "text_heads", "image_size", "embed_dim")
    assert [told[name] for name in sizes] == [512, 12, 8, 224, 512]
    assert told["text_path"] == "shared"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ViT-B-16-SigLIP", "attention looks both ways (no causal mask)"),
        ("coca_ViT-B-32", "a class embedding is appended to each text and padding is masked (CoCa)"),
        ("MobileCLIP-S1", "attention looks both ways (no causal mask)"),
        ("ViT-bigG-14-CLIPA", "attention looks both ways (no causal mask)"),
    ],
)
def test_a_tower_that_cannot_share_says_why(nobody_asked, name, reason) -> None:
    told = json.loads(call("--check", name, "--json").output)
    assert (told["text_path"], told["reason"]) == ("plain", reason)
    assert told["causal"] == (name == "coca_ViT-B-32")


def test_the_largest_are_looked_into_as_fast_as_the_small(nobody_asked) -> None:
    """Only the configuration counts: EVA02-E has four billion weights."""
    started = time.monotonic()
    for name in ("EVA02-E-14-plus", "ViT-SO400M-14-SigLIP2", "ViT-bigG-14-worldwide"):
        told = json.loads(call("--check", name, "--json").output)
        assert told["cached"] is False
    assert time.monotonic() - started < 60
    assert told["text_path"] == "shared"
    assert told["tokenizer"] == "facebook/xlm-v-base"
    siglip = json.loads(call("--check", "ViT-SO400M-14-SigLIP2", "--json").output)
    assert (siglip["logit_bias"], siglip["context_length"], siglip["text_layers"]) == (-10, 64, 27)
    told = call("--check", "ViT-SO400M-14-SigLIP2").output
    assert "logit bias      -10.0 before training; the weights, which are not here, have their own" in told


@pytest.mark.parametrize(
    ("name", "activation"),
    [
        ("RN50", "QuickGELU"),
        ("RN50-quickgelu", "QuickGELU"),
        ("ViT-B-16@openai", "QuickGELU"),
        ("ViT-B-16@laion2b_s34b_b88k", "GELU"),
        ("ViT-B-16@random", "GELU"),
    ],
)
def test_the_activation_follows_the_weights(name, activation) -> None:
    assert json.loads(call("--check", name, "--json").output)["activation"] == activation


def test_a_hugging_face_encoder_that_is_not_here_is_told_as_far_as_it_goes(nobody_asked) -> None:
    told = json.loads(call("--check", "roberta-ViT-B-32", "--json").output)
    assert (told["text_tower"], told["pooling"], told["text_path"]) == ("roberta-base", "mean", "cut")
    assert told["text_width"] is None
    assert "text width      unknown" in call("--check", "roberta-ViT-B-32").output


def test_facts_are_shown_one_a_line() -> None:
    lines = call("--check", "icon-clip").output.splitlines()
    assert {"text width      128", "causal          yes", "logit bias      none"} <= set(lines)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ViT-B-17", "Did you mean 'ViT-B-1"),
        ("ViT-B-16@openia", "Did you mean 'ViT-B-16@openai'"),
        ("hf-hub:no/such", "nothing is known of a repository before its download"),
        ("no/such/folder", "no such backbone folder or file"),
    ],
)
def test_what_cannot_be_checked_ends_with_2(name, message) -> None:
    result = call("--check", name)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_hugging_face_encoder_whose_configuration_is_here_is_looked_into(
    nobody_asked, cached_repository
) -> None:
    snapshot = cached_repository("roberta-base")
    sizes = {"hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 8}
    (snapshot / "config.json").write_text(json.dumps({"model_type": "roberta", **sizes}))
    told = json.loads(call("--check", "roberta-ViT-B-32", "--json").output)
    assert [told[name] for name in ("text_width", "text_layers", "text_heads")] == [96, 3, 4]
    assert (told["text_tower"], told["text_path"]) == ("roberta-base", "cut")


def test_the_embedded_model_is_exported_as_plain_open_clip_loads_it(tmp_path) -> None:
    folder = tmp_path / "made" / "icon-clip"
    result = call("--export", "icon-clip", str(folder))
    assert result.exit_code == 0, result.stderr
    assert f"open_clip.create_model_from_pretrained('local-dir:{folder}')" in result.output
    assert "11,806 of 49,408 tokens" in result.output
    names = ["open_clip_config.json", "open_clip_model.safetensors"]
    assert sorted(path.name for path in folder.iterdir()) == names
    model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    model.eval()
    tokens = open_clip.get_tokenizer(f"local-dir:{folder}")(["a bird.", "a digit seven."])
    picture = preprocess(Image.linear_gradient("L").resize((90, 60)).convert("RGB"))[None]
    with torch.no_grad():
        texts = model.encode_text(tokens, normalize=True)
        images = model.encode_image(picture, normalize=True)
    backbone = load_backbone("icon-clip")
    torch.testing.assert_close(texts, backbone.encode_texts(["a bird.", "a digit seven."]))
    torch.testing.assert_close(images, backbone.encode_image(picture))
    assert model.logit_scale.exp().item() == pytest.approx(backbone.logit_scale)


def test_a_folder_that_holds_something_is_not_written_into(tmp_path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    for place, told in ((tmp_path, "which is not empty"), (tmp_path / "mine.txt", "a file")):
        result = call("--export", "icon-clip", str(place))
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == (
            f"error: --export: not a place for a model; found {place}, {told}; allowed: a new folder\n"
        )
    result = call("--export", "icon-clip", str(tmp_path / "mine.txt" / "below"))
    assert result.exit_code == 2
    assert "the model cannot be written" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
