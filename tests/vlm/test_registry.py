import json
import subprocess
import sys
from pathlib import Path

import open_clip
import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm.configuration import architecture_config
from nemesis_sweep.vlm.registry import architecture_names, backbone_names, embedded_names, find_backbone


def test_architectures_are_open_clips_own() -> None:
    assert set(architecture_names()) == set(open_clip.list_models())
    assert architecture_config("ViT-B-16") == open_clip.get_model_config("ViT-B-16")


def test_embedded_models_come_first() -> None:
    names = backbone_names()
    assert tuple(names[: len(embedded_names())]) == embedded_names()


def test_names_are_listed_without_torch() -> None:
    code = "import sys, nemesis_sweep.vlm.registry as r; r.backbone_names(); r.find_backbone('RN50')\n"
    code += "sys.exit(bool({'torch', 'open_clip', 'numpy'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_kinds_of_names(tmp_path: Path) -> None:
    weights = tmp_path / "w.safetensors"
    weights.touch()
    assert find_backbone("ViT-B-16").kind == "tag"
    assert find_backbone("ViT-B-16@laion2b_s34b_b88k").tag == "laion2b_s34b_b88k"
    assert find_backbone("ViT-B-16@random").kind == "random"
    assert find_backbone(f"ViT-B-16@{weights}").path == weights
    assert find_backbone("ViT-B-16@LAION2B-s34b-b88k").kind == "tag"
    hub = find_backbone("hf-hub:timm/ViT-B-16-SigLIP@0123abc")
    assert (hub.kind, hub.repository, hub.revision) == ("hub", "timm/ViT-B-16-SigLIP", "0123abc")
    assert find_backbone("hf-hub:timm/ViT-B-16-SigLIP").revision is None
    (tmp_path / "open_clip_config.json").write_text(json.dumps({}))
    assert find_backbone(str(tmp_path)).path == tmp_path
    assert find_backbone(str(weights)).path == weights
    for name in embedded_names():
        assert find_backbone(name).kind == "folder"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ViT-B-17", r"unknown backbone; found 'ViT-B-17'.*Did you mean 'ViT-B-1"),
        ("vit-b-16@openai", r"Did you mean 'ViT-B-16@openai'"),
        ("ViT-B-16@", "without a tag"),
        ("/no/such/model", "no such backbone folder"),
        ("ViT-B-16@/no/such.safetensors", "no such weights file"),
        ("ViT-B-16@./weights.pt", r"pickled weights are not read.*allowed: a safetensors file"),
        ("./model.bin", "pickled weights are not read"),
        ("ViT-B-16@openia", r"unknown tag for ViT-B-16; found 'openia'.*Did you mean 'ViT-B-16@openai'"),
        ("ViT-M-16", r"no published weights.*allowed: ViT-M-16@random"),
        ("hf-hub:just-a-name", r"not the name of a hub repository.*hf-hub:ORG/NAME"),
        ("hf-hub:org/name@", "not the name of a hub repository"),
        ("utterly-different", "unknown backbone"),
    ],
)
def test_bad_names_are_refused(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        find_backbone(name)


def test_weights_without_a_configuration_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(UserError, match=r"no open_clip_config\.json beside the weights"):
        find_backbone(str(tmp_path / "model.safetensors"))
