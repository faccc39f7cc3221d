"""Whether a backbone is on this machine and whole, asked without torch."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import constants, try_to_load_from_cache

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm import hub_file, vocabulary
from nemesis_sweep.vlm.hub import cached
from nemesis_sweep.vlm.presence import check_backbones, missing_here, missing_weights
from nemesis_sweep.vlm.registry import _embedded_folder, located

OPENAI = "timm/vit_base_patch16_clip_224.openai"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """An empty hub cache, and a function that puts a file into a repository there."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    def put(repository: str, name: str, content: bytes, commit: str = "1" * 40, ref: str = "main") -> Path:
        folder = tmp_path / "hub" / f"models--{repository.replace('/', '--')}"
        path = folder / "snapshots" / commit / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        (folder / "refs").mkdir(exist_ok=True)
        (folder / "refs" / ref).write_text(commit)
        return path

    return put


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the shipped model that may be broken."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for file in (_embedded_folder() / "icon-clip").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def whole(model: Path) -> bytes:
    return (model / "open_clip_model.safetensors").read_bytes()


def test_the_cache_is_read_as_its_owner_reads_it(cache) -> None:
    cache("me/one", "b.txt", b"old", "2" * 40, "v1")
    cache("me/one", "a.txt", b"new")
    for revision in (None, "main", "v1", "1" * 40, "2" * 40, "other"):
        for name in ("a.txt", "b.txt", "c.txt"):
            theirs = try_to_load_from_cache("me/one", name, revision=revision)
            ours = cached("me/one", [name], revision)
            assert (str(ours) if ours else None) == (theirs if isinstance(theirs, str) else None)
    assert cached("no/such", ["a.txt"]) is None


def test_what_is_not_here_is_named(cache, model) -> None:
    cache(OPENAI, "open_clip_model.safetensors", whole(model))
    assert [missing_here(name) for name in ("icon-clip", "ViT-B-16@openai", "RN50@random", str(model))] == [
        [],
        [],
        [],
        [],
    ]
    (file,) = missing_here("ViT-B-16@laion2b_s34b_b88k")
    assert file.repository == "laion/CLIP-ViT-B-16-laion2B-s34B-b88K"
    siglip = missing_here("ViT-B-16-SigLIP")
    assert [needed.names[0] for needed in siglip] == ["open_clip_model.safetensors", "tokenizer.json"]
    assert {needed.repository for needed in missing_here("roberta-ViT-B-32")} == {
        "laion/CLIP-ViT-B-32-roberta-base-laion2B-s12B-b32k",
        "roberta-base",
    }
    assert len(missing_here("hf-hub:me/one")) == 2
    (line,) = missing_weights(["icon-clip", "ViT-B-16@openai", "RN50", "RN50"])
    assert line.startswith("note: RN50 is not on this machine; a run downloads it")


def test_every_backbone_that_cannot_be_had_is_told(cache, model) -> None:
    said: list[str] = []
    check_backbones(["icon-clip", str(model), "ViT-B-16@random"], said.append)
    assert said == []
    with pytest.raises(UserError) as raised:
        check_backbones(["icon-clip", "RN50@openai", "hf-hub:no/such"], said.append)
    assert [problem.key for problem in raised.value.problems] == ["tasks.backbone"] * 2
    first, second = (str(problem) for problem in raised.value.problems)
    assert "RN50@openai: cannot get open_clip_model.safetensors of timm/resnet50_clip.openai" in first
    assert "hf-hub:no/such: cannot get open_clip_config.json or config.json of no/such" in second
    assert "OfflineModeIsEnabled" in first  # The hub's own error, not the one that it is wrapped in.
    assert len(said) == 2 and all("looking for" in line for line in said)


def test_ctrl_c_does_not_wait_for_the_hub(cache, monkeypatch) -> None:
    """Nor does the end of the process; and what nobody expected is told as well."""
    asked = threading.Event()

    def fetch(*_):
        asked.set()
        time.sleep(60)

    monkeypatch.setattr(hub_file, "fetch", fetch)
    struck = threading.Thread(target=lambda: asked.wait(30) and signal.raise_signal(signal.SIGINT))
    struck.start()
    with pytest.raises(KeyboardInterrupt):
        check_backbones(["RN50@openai"], print)

    def fail(*_):
        raise RuntimeError("of the hub's client")

    monkeypatch.setattr(hub_file, "fetch", fail)
    with pytest.raises(UserError, match="RN50: cannot be had; found RuntimeError: of the hub's client"):
        check_backbones(["RN50"], print)


def cut_short(weights: bytes) -> bytes:
    return weights[: len(weights) // 2]


def longer(weights: bytes) -> bytes:
    return weights + b"\0"


def cut_header(weights: bytes) -> bytes:
    return weights[:100]


def of_another_kind(weights: bytes) -> bytes:
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5000000\n"


@pytest.mark.parametrize("broken", [cut_short, longer, cut_header, of_another_kind, lambda _: b""])
def test_weights_that_are_not_whole_are_refused(cache, model, broken) -> None:
    """As safetensors refuses them, but without reading the weights."""
    import safetensors

    weights = model / "open_clip_model.safetensors"
    content = broken(weights.read_bytes())
    weights.write_bytes(content)
    cache(OPENAI, "open_clip_model.safetensors", content)
    with pytest.raises(safetensors.SafetensorError):
        safetensors.safe_open(weights, "np")
    for name in (str(model), f"ViT-B-16@{weights}", "ViT-B-16@openai"):
        with pytest.raises(UserError, match="the weights cannot be read"):
            check_backbones([name], print)
    (line,) = missing_weights([str(model)])
    assert line.startswith(f"note: {model} cannot be used on this machine: the weights cannot be read")


def test_a_pickle_under_another_name_and_a_broken_configuration(model) -> None:
    (model / "open_clip_model.safetensors").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(UserError, match="pickled weights are not read"):
        check_backbones([str(model)], print)
    (model / "open_clip_config.json").write_text("{}")
    with pytest.raises(UserError, match="not a usable model configuration"):
        check_backbones([str(model)], print)


def test_a_package_that_is_not_installed(cache, monkeypatch) -> None:
    monkeypatch.setattr(vocabulary, "find_spec", lambda _: None)
    with pytest.raises(UserError, match="roberta-base needs the package transformers"):
        check_backbones(["roberta-ViT-B-32"], print)


def test_a_relative_path_is_found_from_elsewhere() -> None:
    assert located("models/mine", "/here") == "/here/models/mine"
    assert located("RN50@w.safetensors", "/here") == "RN50@/here/w.safetensors"
    assert located("/there/mine", "/here") == "/there/mine"
    for name in ("icon-clip", "RN50", "RN50@openai", "RN50@random", "hf-hub:a/b"):
        assert located(name, "/here") == name


def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from nemesis_sweep.vlm.presence import *\n"
        "list(missing_weights(['icon-clip', 'RN50', 'ViT-B-16-SigLIP']))\n"
        "check_backbones(['icon-clip'], print)\n"
        "print([name for name in ('torch', 'numpy', 'transformers', 'open_clip') if name in sys.modules])"
    )
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert json.loads(told.stdout.replace("'", '"')) == []
