"""What encoding images costs: the feature store against a bare loop over the same files, in turn."""

from __future__ import annotations

import io
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from nemesis_sweep.bench.machine import describe_machine
from nemesis_sweep.bench.timing import Say, use_threads
from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.store import FeatureStore
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.load_backbone import load_backbone


@dataclass(frozen=True)
class Pictures:
    """What is encoded: JPEG files of a camera's shape, `width` pixels wide. batch: of the bare loop."""

    backbone: str
    images: int
    width: int
    batch: int
    repeats: int
    threads: int


def measure_encode(case: Pictures, say: Say) -> dict[str, Any]:
    """Images per second of a bare loop and of a new feature store, and how far their features differ.

    Each round times both, the one that begins changing; the ratio is the median over rounds.
    """
    use_threads(case.threads)
    backbone = load_backbone(case.backbone)
    bare = _bare_loop(backbone, case.batch)
    with tempfile.TemporaryDirectory() as folder:
        items = _write_pictures(Path(folder), case)
        rounds, difference = [], 0.0
        for number in range(case.repeats + 1):

            def store(cold: Path = Path(folder) / str(number)) -> Tensor:
                return FeatureStore(backbone, 1, cold).features(items)[:, 0]

            loops: dict[str, Callable[[], Tensor]] = {"bare": lambda: bare(items), "store": store}
            seconds, features = {}, {}
            for name in list(loops) if number % 2 else list(loops)[::-1]:
                start = time.perf_counter()
                features[name] = loops[name]()
                seconds[name] = time.perf_counter() - start
            difference = max(difference, float((features["bare"] - features["store"]).abs().max()))
            if number:  # The first warms up.
                rounds.append(seconds)
            rates = ", ".join(f"{name} {case.images / spent:.1f} images/s" for name, spent in seconds.items())
            say(f"round {number} of {case.repeats}: {rates}")
    ratios = [each["bare"] / each["store"] for each in rounds]
    return {
        "case": asdict(case),
        "machine": describe_machine(),
        "images_per_second": {
            name: case.images / statistics.median(each[name] for each in rounds) for name in ("bare", "store")
        },
        "ratios": ratios,
        "over_bare": statistics.median(ratios),
        "difference": difference,
    }


def encode_lines(figures: dict[str, Any]) -> str:
    """The figures for people."""
    case, rates, ratios = figures["case"], figures["images_per_second"], figures["ratios"]
    machine = figures["machine"]
    return "\n".join(
        [
            f"{case['backbone']}: {counted(case['images'], 'JPEG file')}, "
            f"{counted(case['width'], 'pixel')} wide, "
            f"{counted(machine['cores'], 'core')}, {counted(machine['threads'], 'thread')}",
            f"bare loop: {rates['bare']:.1f} images/s (decode with PIL, transform, batches of "
            f"{case['batch']}, encode_image)",
            f"feature store, cold: {rates['store']:.1f} images/s, "
            f"{figures['over_bare']:.2f} x the bare loop ({min(ratios):.2f} to {max(ratios):.2f} over "
            f"{counted(case['repeats'], 'round')})",
            f"features differ by at most {figures['difference']:.1e}",
        ]
    )


def _bare_loop(backbone: Backbone, batch: int) -> Callable[[Sequence[Item]], Tensor]:
    """The loop of open_clip's README: its own test transform, one picture after the other, then the tower."""
    from open_clip.transform import PreprocessCfg, image_transform_v2

    ours = backbone.preprocess
    config = PreprocessCfg(
        size=ours.image_size,
        mean=ours.mean,
        std=ours.std,
        interpolation=ours.interpolation,
        resize_mode=ours.resize_mode,
        fill_color=ours.fill_color,
    )
    transform = image_transform_v2(config, is_train=False)

    @torch.inference_mode()
    def loop(items: Sequence[Item]) -> Tensor:
        found = []
        for start in range(0, len(items), batch):
            images = [
                Image.open(io.BytesIO(item.read()), formats=["JPEG"]) for item in items[start : start + batch]
            ]
            pixels = torch.stack([transform(image) for image in images])
            found.append(F.normalize(backbone.visual(pixels), dim=-1))
        return torch.cat(found)

    return loop


def _write_pictures(folder: Path, case: Pictures) -> list[Item]:
    """Photographs to a decoder: smooth areas, edges and some noise, from a fixed seed."""
    rng = np.random.default_rng(0)
    width, height = case.width, case.width * 3 // 4
    items = []
    for number in range(case.images):
        coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        noisy = np.asarray(image, dtype=np.int16) + rng.integers(-12, 13, (height, width, 3), dtype=np.int16)
        path = folder / f"{number:05d}.jpg"
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path, "JPEG", quality=90)
        items.append(Item(0, path.name, path=path))
    return items
