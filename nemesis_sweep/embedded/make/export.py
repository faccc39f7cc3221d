"""Write the embedded CLIP from a pretraining checkpoint.

``python -m nemesis_sweep.embedded.make.export CHECKPOINT OUTPUT [--blend WEIGHTS]``

Takes the averaged weights as fp16 with open_clip's own state-dict keys into ``OUTPUT/icon-clip``.  The token
table keeps its K trained rows; ``token_embedding.ids`` (K,) int32 names them among the 49,408 of CLIP's BPE.
``--blend``: the weights that the run began with, of which the file is a quarter (Wortsman et al., "Robust
fine-tuning of zero-shot models", 2022).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from nemesis_sweep.embedded.make.augment import MEAN, STD
from nemesis_sweep.embedded.make.pretrain import model_config
from nemesis_sweep.embedded.make.vocabulary import rows_in_both

VOCABULARY = 49408
LOGIT_SCALE = 10.0
"""Chosen on validation pictures: CoOp did worse at 5 and at 20; pretraining ends with 23."""

NEW_SHARE = 0.75  # of a blend; PROVENANCE.md has the validation accuracies that chose it


def blended(new: dict[str, Tensor], released: Path) -> dict[str, Tensor]:
    """Averages of weights and those that ``export`` once wrote; rows of new tokens stay as they are."""
    old = load_file(released)
    table = new["token_embedding.weight"].clone()
    ours, theirs = rows_in_both(new["token_embedding.ids"], old.pop("token_embedding.ids"))
    table[ours] = old.pop("token_embedding.weight")[theirs].to(table.dtype).lerp(table[ours], NEW_SHARE)
    mixed = {name: old[name].to(new[name].dtype).lerp(new[name], NEW_SHARE) for name in old}
    return new | mixed | {"token_embedding.weight": table}


def export(checkpoint: Path, folder: Path, blend: Path | None = None) -> None:
    """Write ``open_clip_model.safetensors`` and ``open_clip_config.json`` into ``folder``, atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    with safe_open(checkpoint, "pt") as file:
        metadata = file.metadata()
        keys = [k for k in file.keys() if k.startswith("average.")]  # noqa: SIM118
        tensors = {k.removeprefix("average."): file.get_tensor(k) for k in keys}
        tensors["token_embedding.ids"] = file.get_tensor("token_ids").to(torch.int32)
    if blend:
        tensors = blended(tensors, blend)
    tensors = {k: (t.half() if t.is_floating_point() else t).contiguous() for k, t in tensors.items()}
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
    path.with_suffix(".tmp").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    path.with_suffix(".tmp").replace(path)
    print(f"step {metadata['step']}: {weights.stat().st_size / 1e6:.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--blend", type=Path)
    args = parser.parse_args()
    export(args.checkpoint, args.output / "icon-clip", args.blend)


if __name__ == "__main__":
    main()
