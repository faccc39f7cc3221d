import pickle
from typing import Any

import pytest
import torch
from open_clip.model import CustomTextCLIP
from torch import nn

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm.text_tower import text_tower
from tests.vlm.conftest import make_model

SMALL = {"width": 64, "heads": 2, "layers": 1}


def test_models_that_can_share_say_so(models: dict[str, Any]) -> None:
    for name, model in models.items():
        tower = text_tower(model)
        assert tower.can_share, (name, tower.reason)
        assert tower.context_length == 77


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"no_causal_mask": True, "pool_type": "last"}, "looks both ways"),
        ({"embed_cls": True}, "class embedding"),
        ({"pool_type": "last"}, "pools the last position"),
        ({"pool_type": "first"}, "pools the first position"),
        ({"qk_norm": True}, "blocks are of another kind (CustomResidualAttentionBlock"),
        ({"scale_attn_inner": True}, "blocks are of another kind"),
    ],
)
def test_what_cannot_share_says_why(config: dict[str, Any], reason: str) -> None:
    tower = text_tower(make_model(CustomTextCLIP, **SMALL, **config))
    assert not tower.can_share
    assert reason in tower.reason


def test_an_unusual_mask_is_noticed() -> None:
    model = make_model(**SMALL)
    model.attn_mask[5, 9] = 0
    assert "not the plain causal one" in text_tower(model).reason


def test_a_tower_that_takes_no_embeddings_is_refused() -> None:
    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.text = nn.Linear(2, 2)

    with pytest.raises(UserError, match="cannot take context vectors; found Linear"):
        text_tower(Wrapped())


def test_nothing_in_it_requires_gradients() -> None:
    for model in (make_model(**SMALL), make_model(CustomTextCLIP, proj_bias=True, **SMALL)):
        tower = text_tower(model)
        parts = [tower.token_embedding, tower.transformer, tower.ln_final]
        assert not any(parameter.requires_grad for part in parts for parameter in part.parameters())
        assert not tower.positional_embedding.requires_grad
        assert not any(tensor.requires_grad for tensor in tower.state().values())


def test_another_dtype_is_a_copy_and_the_same_dtype_is_not() -> None:
    model = make_model(**SMALL)
    tower = text_tower(model)
    assert tower.to(torch.float32) is tower
    half = tower.to(torch.bfloat16)
    assert {tensor.dtype for tensor in half.state().values()} == {torch.bfloat16}
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert half.embed_dim == tower.embed_dim == 48


def test_a_tower_survives_pickling() -> None:
    tower = text_tower(make_model(**SMALL))
    again = pickle.loads(pickle.dumps(tower))
    assert all(torch.equal(again.state()[name], tensor) for name, tensor in tower.state().items())
