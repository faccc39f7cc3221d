"""Write the embedded CLIP from a pretraining checkpoint.

``python -m nemesis_sweep.embedded.make.export CHECKPOINT OUTPUT``

Takes the averaged weights as fp16 with open_clip's own state-dict keys into ``OUTPUT/icon-clip``.  The token
table keeps its K trained rows; ``token_embedding.ids`` (K,) int32 names them among the 49,408 of CLIP's BPE.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from nemesis_sweep.embedded.make.augment import MEAN, STD
from nemesis_sweep.embedded.make.pretrain import model_config

VOCABULARY = 49408
LOGIT_SCALE = 10.0
"""Chosen on validation pictures: CoOp overfits at the scale that pretraining ends with, about 25."""


def export(checkpoint: Path, folder: Path) -> None:
    """Write ``open_clip_model.safetensors`` and ``open_clip_config.json`` into ``folder``, atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    with safe_open(checkpoint, "pt") as file:
        metadata = file.metadata()
        keys = [k for k in file.keys() if k.startswith("average.")]  # noqa: SIM118
        tensors = {
            k.removeprefix("average."): file.get_tensor(k).to(torch.float16).contiguous() for k in keys
        }
        tensors["token_embedding.ids"] = file.get_tensor("token_ids").to(torch.int32)
    tensors["logit_scale"] = torch.tensor(LOGIT_SCALE).log()
    weights = folder / "open_clip_model.safetensors"
    save_file(tensors, weights.with_suffix(".tmp"), {"format": "pt", "step": metadata["step"]})
    weights.with_suffix(".tmp").chmod(0o644)  # safetensors writes for the owner only
    weights.with_suffix(".tmp").replace(weights)
    config = {
        "model_cfg": model_config(int(metadata["width"]), int(metadata["text_layers"]), VOCABULARY),
        "preprocess_cfg": {"mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "shortest"},
    }
    path = folder / "open_clip_config.json"
    path.with_suffix(".tmp").write_text(json.dumps(config, indent=2) + "\n")
    path.with_suffix(".tmp").replace(path)
    print(f"step {metadata['step']}: {weights.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    export(Path(sys.argv[1]), Path(sys.argv[2]) / "icon-clip")
