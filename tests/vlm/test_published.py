"""The table of published weights, read without importing open_clip."""

import subprocess
import sys

import pytest
from open_clip import pretrained

from nemesis_sweep.vlm import published as module
from nemesis_sweep.vlm.published import default_tag, entry, hub_files, published
from nemesis_sweep.vlm.registry import backbone_names, find_backbone


def test_it_equals_open_clips_own_table() -> None:
    own = {
        name: {tag: pretrained.get_pretrained_cfg(name, tag) for tag in tags}
        for name in published()
        if (tags := pretrained.list_pretrained_tags_by_model(name))
    }
    assert {name: dict(tags) for name, tags in published().items()} == own
    assert {name for name, _ in pretrained.list_pretrained()} == set(published())


def test_it_is_read_without_torch() -> None:
    code = "import sys, nemesis_sweep.vlm.published as p; assert p.entry('RN50')['quick_gelu']\n"
    code += "sys.exit(bool({'torch', 'open_clip', 'numpy'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_tags_are_compared_as_open_clip_does() -> None:
    assert entry("ViT-B-16", "LAION2B-s34b-b88k") == entry("ViT-B-16", "laion2b_s34b_b88k") != {}
    assert entry("ViT-B-16", "no-such-tag") == {}
    assert default_tag("RN50") == "openai"
    assert default_tag("ViT-B-16-SigLIP") == "webli"
    assert default_tag("ViT-M-16") == ""


def test_files_on_the_hub_are_asked_for_as_safetensors() -> None:
    openai = ("timm/vit_base_patch16_clip_224.openai", ["open_clip_model.safetensors"])
    assert hub_files(entry("ViT-B-16", "openai")) == openai
    assert hub_files(entry("ViTamin-S")) == ("jienengchen/ViTamin-S", ["pytorch_model.safetensors"])
    assert hub_files({}) == ("", [])


def test_a_table_in_another_form_counts_as_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module._Reader, "_dictionary", lambda *_: {}["another form"])
    published.cache_clear()
    try:
        assert published() == {}
        assert find_backbone("ViT-B-16@any-tag").tag == "any-tag"
        assert "ViT-M-16" in backbone_names()
    finally:
        published.cache_clear()
