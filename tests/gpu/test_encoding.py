"""Images on a GPU: features of the CPU, batches that do not fit, decoding beside encoding."""

import numpy as np
import pytest
import torch

from nemesis_sweep.data.encode import MAX_BATCH, encode_items
from nemesis_sweep.data.store import FeatureStore
from nemesis_sweep.vlm.load_backbone import load_backbone
from nemesis_sweep.vlm.registry import RANDOM

pytestmark = pytest.mark.gpu
GPU = "cuda"

TOLERANCE = {"fp32": 1e-4, "bf16": 3e-2, "fp16": 5e-3}
"""Largest difference of a number of an L2-normalised feature from the CPU's."""


@pytest.mark.parametrize("reads", ["pooled", "patches", "pixels", "states-1"])
@pytest.mark.parametrize("precision", TOLERANCE)
def test_features_are_those_of_the_cpu(backbones, colours, precision, reads):
    """fp32 without TF32, which would differ by 1e-3."""
    backbone = backbones[{"pooled": "coop", "patches": "plot"}.get(reads, "vpt")]
    here, there = (backbone.to(precision=precision, device=device) for device in ("cpu", GPU))
    expected, found = (encode_items(each, colours.train, [-1, 0, 1], reads=reads) for each in (here, there))
    # States are not normalised.
    largest = max(1.0, float(np.abs(expected).max())) if reads == "states-1" else 1.0
    np.testing.assert_allclose(found, expected, atol=TOLERANCE[precision] * largest)
    assert FeatureStore(there, 3, reads=reads).about == FeatureStore(here, 3, reads=reads).about


def test_a_batch_that_does_not_fit_is_halved(colours):
    """Under a cap that admits less than a whole batch of a ViT-B-32."""
    backbone = load_backbone(f"ViT-B-32@{RANDOM}").to(device=GPU)
    items = (colours.train * MAX_BATCH)[:MAX_BATCH]
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    expected = encode_items(backbone, items, [-1])
    peak = torch.cuda.max_memory_allocated()
    torch.cuda.empty_cache()
    _, total = torch.cuda.mem_get_info()
    torch.cuda.set_per_process_memory_fraction((before + 0.6 * (peak - before)) / total)
    with pytest.raises(torch.OutOfMemoryError):
        torch.empty(peak, dtype=torch.uint8, device=GPU)
    found = encode_items(backbone, items, [-1])
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_pictures_are_decoded_while_others_are_encoded(colours, tmp_path):
    """More than a few batches through the store, as a sweep does it: all of them, in their order."""
    backbone = load_backbone("icon-clip")
    items = colours.train + colours.val + colours.test
    expected = FeatureStore(backbone, 16, tmp_path / "cpu").features(items)
    found = FeatureStore(backbone.to(device=GPU), 16, tmp_path / "gpu").features(items)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
