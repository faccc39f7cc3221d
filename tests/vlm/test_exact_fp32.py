"""fp32 without TF32 while images are encoded, and as before afterwards."""

import pytest
import torch

from nemesis_sweep.vlm.exact_fp32 import without_tf32


def settings():
    backends = torch.backends
    return (backends.cudnn.allow_tf32, backends.cuda.matmul.allow_tf32, torch.get_float32_matmul_precision())


@pytest.mark.parametrize("precision", ["highest", "high"])
def test_the_settings_of_the_process_come_back(precision):
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(precision)
        kept = settings()
        with pytest.raises(KeyError), without_tf32():
            # torch's default allows it for convolutions.
            assert kept[0] and not torch.backends.cudnn.allow_tf32
            assert not torch.backends.cuda.matmul.allow_tf32
            raise KeyError
        assert settings() == kept
    finally:
        torch.set_float32_matmul_precision(before)


def test_settings_by_the_newer_names_come_back_too():
    """torch does not answer by the older names then."""
    convolutions, matmul = torch.backends.cudnn.conv, torch.backends.cuda.matmul
    before = convolutions.fp32_precision
    try:
        convolutions.fp32_precision = "ieee" if before == "tf32" else "tf32"
        kept = convolutions.fp32_precision, matmul.fp32_precision
        with without_tf32():
            assert (convolutions.fp32_precision, matmul.fp32_precision) == ("ieee", "ieee")
        assert (convolutions.fp32_precision, matmul.fp32_precision) == kept
    finally:
        convolutions.fp32_precision = before


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_images_are_encoded_so(tiny_backbone, monkeypatch, precision):
    backbone, seen = tiny_backbone.to(precision=precision), []
    encode = type(backbone.visual).forward

    def noted(tower, pixels):
        seen.append((torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32))
        return encode(tower, pixels)

    monkeypatch.setattr(type(backbone.visual), "forward", noted)
    size = backbone.preprocess.image_size
    backbone.encode_image(torch.zeros(1, 3, size, size))
    assert seen == [(False, False)]
