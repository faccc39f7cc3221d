"""Whether a text tower looks ahead, asked of the tower itself."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from open_clip.model import CLIP, CustomTextCLIP

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm.building import build_model
from nemesis_sweep.vlm.causality import Causality, causality_of, refuse_two_answers
from nemesis_sweep.vlm.text_tower import text_tower
from tests.vlm.conftest import make_model
from tests.vlm.families import small_config

SMALL = {"width": 64, "heads": 2, "layers": 2}


@pytest.mark.parametrize(
    ("kind", "words", "causal"),
    [
        (CLIP, {}, True),
        (CustomTextCLIP, {"no_causal_mask": True}, False),
    ],
)
def test_open_clips_own_towers(kind: type[torch.nn.Module], words: dict[str, Any], causal: bool) -> None:
    tower = text_tower(make_model(kind, **SMALL, **words))
    assert causality_of(tower, 0) == Causality(causal, causal)
    assert tower.causal == causal


def test_cocas_class_embedding_sees_everything_and_is_seen_by_nothing() -> None:
    tower = text_tower(build_model(small_config("coca_ViT-B-32")))
    assert causality_of(tower, 0) == Causality(True, True)


def test_a_tower_whose_answer_depends_on_padding_is_refused() -> None:
    """A tower with a mask that is built only where there is padding."""
    tower: Any = text_tower(make_model(**SMALL))
    own = type(tower)._mask

    class Turning(type(tower)):  # type: ignore[misc]
        def _mask(self, ids: torch.Tensor, x: torch.Tensor) -> torch.Tensor | None:
            return own(self, ids, x) if bool((ids == 0).any()) else None

    turning = Turning(**{name: getattr(tower, name) for name in tower.__dataclass_fields__})
    assert causality_of(turning, 0) == Causality(False, True)
    told = "of mine gives a text two features.*looks both ways without padding, looks back only with it"
    with pytest.raises(UserError, match=told):
        refuse_two_answers(turning, 0, "mine")
