"""What a pass is said to take is what it keeps for the gradient, or somewhat more."""

import pytest
import torch
from torch import nn

from nemesis_sweep.vlm.layout import make_layout
from nemesis_sweep.vlm.text import encode_text
from nemesis_sweep.vlm.text_cost import states_bytes
from nemesis_sweep.vlm.text_tower import text_tower
from tests.vlm.conftest import UNEVEN, make_model


def kept_bytes(tower, layout, context) -> int:
    """Bytes of all tensors that the backward pass of one context needs, the tower's own left out."""
    parts = tower.parts().values()
    own = [t for part in parts for t in (part.parameters() if isinstance(part, nn.Module) else [part])]
    weights = {tensor.untyped_storage().data_ptr() for tensor in own}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        encode_text(tower, layout, context)
    return sum(size for size, _ in kept.values()) // len(context)


@pytest.mark.parametrize("quick", [False, True], ids=["GELU", "QuickGELU"])
@pytest.mark.parametrize("position", ["end", "middle", "front"])
def test_it_is_close_and_rather_more(tokenizer, quick, position):
    tower = text_tower(make_model(quick_gelu=quick, layers=4))
    layout = make_layout(tokenizer, [*UNEVEN, *(f"thing {n}" for n in range(20))], 8, position)
    context = (0.02 * torch.randn(2, 8, tower.width)).requires_grad_()
    kept, told = kept_bytes(tower, layout, context), states_bytes(tower, layout)
    assert kept <= told <= 2.2 * kept
