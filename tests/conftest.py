"""Real models and real images, small: shared by all tests."""

import os

# Before torch, Ray or MLflow are imported by any test.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import io
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nemesis_sweep.data.dataset import Dataset, Item

# A shell starts background jobs deaf to Ctrl-C, nohup its own to a terminal that closes. Tests that send
# these signals want them heard, by what they start too.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, usual)


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the user's feature cache out of the tests; the session shares one, fixtures of modules too."""
    folder = tmp_path_factory.getbasetemp() / "features"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEMESIS_SWEEP_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def tiny_backbone():
    """open_clip's own CLIP with its own tokenizer, one layer of images and two of text, random weights."""
    import open_clip
    import torch
    from open_clip.model import CLIP

    from nemesis_sweep.vlm.backbone import backbone_from_open_clip

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = CLIP(
            embed_dim=32,
            vision_cfg={"image_size": 32, "patch_size": 16, "width": 64, "layers": 1, "head_width": 32},
            text_cfg={"width": 64, "heads": 2, "layers": 2, "context_length": 77, "vocab_size": 49408},
        )
    return backbone_from_open_clip(model, open_clip.get_tokenizer("ViT-B-32"), name="tiny")


def picture(colour: tuple[int, int, int], seed: int, size: int = 40) -> bytes:
    """A PNG of noise around a colour, so that classes can be told apart."""
    rng = np.random.default_rng(seed)
    pixels = np.clip(rng.normal(colour, 40, (size, size, 3)), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def colours() -> Dataset:
    """Four colours, 12 training, 4 validation and 10 test images each."""
    named = {"red": (200, 40, 40), "green": (40, 200, 40), "blue": (40, 40, 200), "dark_grey": (60, 60, 60)}
    sizes = {"train": 12, "val": 4, "test": 10}
    splits = {}
    for offset, (split, size) in enumerate(sizes.items()):
        splits[split] = [
            Item(label, f"{split}:{name}:{n}", picture(colour, seed=1000 * offset + 100 * label + n))
            for n in range(size)
            for label, (name, colour) in enumerate(named.items())
        ]
    return Dataset("colours", tuple(named), "a photo of the colour {}.", splits)
