"""The embedded CLIP: its file, that open_clip loads it strictly, and that it knows what it shows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import nemesis_sweep.embedded
from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.encode import encode_items
from nemesis_sweep.data.registry import EMBEDDED, load_dataset
from nemesis_sweep.data.views import CENTRE
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.load_backbone import load_backbone

FOLDER = Path(nemesis_sweep.embedded.__file__).parent / "icon-clip"


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone("icon-clip")


def accuracy(backbone: Backbone, dataset: Dataset) -> float:
    images = torch.from_numpy(encode_items(backbone, dataset.test, [CENTRE])[:, 0])
    texts = backbone.encode_texts(dataset.zero_shot_texts())
    labels = torch.tensor([item.label for item in dataset.test])
    return ((images @ texts.T).argmax(1) == labels).float().mean().item()


def test_weights_are_half_precision_and_small() -> None:
    path = FOLDER / "open_clip_model.safetensors"
    assert path.stat().st_size <= 15e6
    floating = {k: t.dtype for k, t in load_file(path).items() if t.is_floating_point()}
    assert {dtype for name, dtype in floating.items() if name != "logit_scale"} == {torch.float16}


def test_open_clip_loads_the_expanded_weights_strictly() -> None:
    from open_clip.model import CLIP

    config = json.loads((FOLDER / "open_clip_config.json").read_text())["model_cfg"]
    state = load_file(FOLDER / "open_clip_model.safetensors")
    ids = state.pop("token_embedding.ids").long()
    table = torch.zeros(config["text_cfg"]["vocab_size"], config["text_cfg"]["width"])
    table[ids] = state["token_embedding.weight"].float()
    state["token_embedding.weight"] = table
    missing, unexpected = CLIP(**config).load_state_dict(
        {k: t.float() for k, t in state.items()}, strict=False
    )
    # BatchNorm's step counters are integers that nothing reads.
    assert all(key.endswith("num_batches_tracked") for key in missing)
    assert unexpected == []


@pytest.mark.parametrize("name", EMBEDDED)
def test_every_class_name_and_template_is_in_the_vocabulary(name: str, backbone: Backbone) -> None:
    dataset = load_dataset(name)
    known = backbone.known_tokens
    assert known is not None
    for text in (*dataset.zero_shot_texts(), *dataset.classnames):
        assert set(backbone.tokenizer.encode(text)) <= known, text


def test_all_bytes_and_end_tokens_are_in_the_vocabulary(backbone: Backbone) -> None:
    assert backbone.known_tokens is not None
    assert set(range(512)) <= backbone.known_tokens
    assert {backbone.tokenizer.sot_token_id, backbone.tokenizer.eot_token_id} <= backbone.known_tokens


@pytest.mark.parametrize("name", ["clipart", "emoji"])
def test_zero_shot_is_at_least_five_times_chance(name: str, backbone: Backbone) -> None:
    dataset = load_dataset(name)
    assert accuracy(backbone, dataset) >= 5 / len(dataset.classnames)


def test_features_tell_digits_apart(backbone: Backbone) -> None:
    dataset = load_dataset("digits")
    train = encode_items(backbone, dataset.train, [CENTRE])[:, 0]
    test = encode_items(backbone, dataset.test[::5], [CENTRE])[:, 0]
    nearest = np.argmax(test @ train.T, axis=1)
    labels = np.array([item.label for item in dataset.train])[nearest]
    assert np.mean(labels == np.array([item.label for item in dataset.test[::5]])) > 0.5
