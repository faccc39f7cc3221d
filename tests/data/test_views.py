"""The test view equals that of torchvision and of open_clip, to the pixel; sizes over the whole grid."""

import numpy as np
import pytest
from PIL import Image

from nemesis_sweep.data.views import CENTRE, _crop_box, filled, fitted, view
from nemesis_sweep.vlm.preprocess import Preprocess

LARGEST = 2000
SIZES = (48, 224, 240, 256, 336, 384, 448)
"""Of the shipped backbone and of open_clip's."""


@pytest.mark.parametrize("size", SIZES)
def test_the_short_edge_is_resized_as_torchvision_does_for_all_sizes(size: int) -> None:
    from torchvision.transforms.functional import _compute_resized_output_size

    edges = np.arange(1, LARGEST + 1)
    short, long = edges[:, None], edges[None, :]
    theirs = np.trunc(size * long / short)  # torchvision's int(size * long / short), in the same float64
    ours = size * long // short
    assert (ours == theirs)[long >= short].all()
    # The formula above is torchvision's and ours: the functions themselves where the product is whole.
    whole = np.argwhere((size * long % short == 0) & (long > short)) + 1
    chosen = whole[np.random.default_rng(size).integers(0, len(whole), 2000)].tolist()
    for short_edge, long_edge in [*chosen, (320, 330), (222, 333), (220, 440), (299, 598), (7, 7)]:
        height, width = _compute_resized_output_size((short_edge, long_edge), [size])
        assert filled(long_edge, short_edge, size) == (width, height)
        assert filled(short_edge, long_edge, size) == (height, width)
        assert max(width, height) == ours[short_edge - 1, long_edge - 1]


@pytest.mark.parametrize("size", SIZES)
def test_the_long_edge_is_resized_as_open_clip_does(size: int) -> None:
    from open_clip.transform import ResizeKeepRatio

    pairs = np.random.default_rng(size).integers(1, LARGEST + 1, (4000, 2)).tolist()
    for width, height in [*pairs, (330, 320), (222, 333), (8, 8)]:
        rows, columns = ResizeKeepRatio.get_params(Image.new("1", (width, height)), (size, size), 1.0)
        assert fitted(width, height, size) == (max(1, columns), max(1, rows))


PHOTOGRAPHS = [(330, 320), (333, 222), (440, 220), (598, 299), (299, 598), (225, 224), (301, 200), (50, 37)]


@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("edges", PHOTOGRAPHS, ids=str)
def test_the_test_view_is_open_clips_to_the_pixel(edges, mode) -> None:
    from open_clip.transform import PreprocessCfg, image_transform_v2

    noise = np.random.default_rng(0).integers(0, 256, (edges[1], edges[0], 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    for interpolation in ("bicubic", "bilinear"):
        facts = {"interpolation": interpolation, "resize_mode": mode, "fill_color": 9}
        plain = {"mean": (0.0,) * 3, "std": (1.0,) * 3}
        theirs = image_transform_v2(PreprocessCfg(size=224, **plain, **facts), is_train=False)(image)
        ours = view(image, CENTRE, "", Preprocess(224, **facts))
        assert np.array_equal(ours, (theirs * 255).round().permute(1, 2, 0).numpy().astype(np.uint8))


def test_a_crop_is_drawn_as_torchvision_draws_it(monkeypatch) -> None:
    """Its numbers are of another generator, so both get the same ones here."""
    import torch
    from torchvision.transforms import RandomResizedCrop

    rng = np.random.default_rng(0)

    class Given:
        """Draws that both sides take: area, ratio, place."""

        def __init__(self, *draws: float) -> None:
            self.draws = list(draws)

        def uniform(self, low: float, high: float) -> float:
            return float(low) + (float(high) - float(low)) * self.draws.pop(0)

        def integers(self, low: int, high: int) -> int:
            return low + int((high - low) * self.draws.pop(0))

    for width, height in (*PHOTOGRAPHS, (900, 60), (60, 900), (3, 2)):
        for _ in range(50):
            draws = rng.random(24).tolist()
            ours = _crop_box(width, height, Given(*draws))
            theirs = Given(*draws)

            def uniform(self: torch.Tensor, low: float, high: float, given: Given = theirs) -> torch.Tensor:
                return torch.tensor([given.uniform(low, high)], dtype=torch.float64)

            def randint(low: int, high: int, size: tuple[int], given: Given = theirs) -> torch.Tensor:
                return torch.tensor(given.integers(low, high))

            with monkeypatch.context() as patched:
                patched.setattr(torch.Tensor, "uniform_", uniform)
                patched.setattr(torch, "randint", randint)
                _, _, rows, columns = RandomResizedCrop.get_params(
                    Image.new("1", (width, height)), [0.08, 1.0], [3 / 4, 4 / 3]
                )
            assert ours[2:] == (columns, rows)


def test_a_strip_of_a_pixel_does_not_fill_the_memory() -> None:
    strip = np.repeat(np.arange(60000, dtype=np.uint32)[None] * 255 // 60000, 3, 0).T.astype(np.uint8)
    found = view(Image.fromarray(strip[None]), CENTRE, "", Preprocess(224))
    assert found.shape == (224, 224, 3)
    assert abs(found.astype(int) - 127).max() <= 1
