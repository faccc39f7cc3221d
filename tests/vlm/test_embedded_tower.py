"""The models that ship with the package: loaded by name, exact on the shared path."""

import pytest
import torch

from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.load_backbone import load_backbone
from nemesis_sweep.vlm.registry import embedded_names
from nemesis_sweep.vlm.text import choose_path, encode_text
from tests.vlm.conftest import difference, random_context, value_and_gradient

NAMES = ["cat", "musical_instrument", "bird", "road sign", "boat"]


@pytest.fixture(scope="module", params=embedded_names())
def backbone(request: pytest.FixtureRequest) -> Backbone:
    return load_backbone(request.param)


def test_there_is_one() -> None:
    assert "icon-clip" in embedded_names()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@pytest.mark.parametrize("position", ["end", "middle", "front"])
@pytest.mark.parametrize("per_class", [False, True])
def test_shared_equals_plain(
    backbone: Backbone, dtype: torch.dtype, tolerance: float, position: str, per_class: bool
) -> None:
    tower = backbone.text.to(dtype)
    layout = backbone.layout(NAMES, 4, position)
    assert choose_path(tower, layout) == "shared"
    classes = (len(NAMES),) if per_class else ()
    context = random_context((2, *classes, 4, tower.width), dtype=dtype)
    ours = value_and_gradient(lambda x: encode_text(tower, layout, x, path="shared"), context)
    plain = value_and_gradient(lambda x: encode_text(tower, layout, x, path="plain"), context)
    assert difference(ours[0], plain[0]) <= tolerance
    assert difference(ours[1], plain[1]) <= tolerance


def test_images_and_texts_meet_in_one_space(backbone: Backbone) -> None:
    size = backbone.preprocess.image_size
    images = backbone.encode_image(torch.zeros(1, 3, size, size))
    texts = backbone.encode_texts(["a cat", "a dog"])
    assert images.shape[1] == texts.shape[1] == backbone.embed_dim
    torch.testing.assert_close(texts.norm(dim=1), torch.ones(2))
    assert float(texts[0] @ texts[1]) < 0.999
