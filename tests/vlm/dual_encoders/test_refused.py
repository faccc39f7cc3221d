"""What the probe of attention says of the families, and the one that it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from nemesis_sweep.cli import main
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm.causality import Causality, causality_of
from nemesis_sweep.vlm.dual_encoders.families import FAMILIES
from nemesis_sweep.vlm.load_backbone import load_backbone
from tests.vlm.dual_encoders.conftest import Tiny
from tests.vlm.dual_encoders.tiny import save_tiny

TOLD = "the text tower of AIMv2 gives a text two features, by how it is padded"


def test_attention_does_not_depend_on_padding(each: Tiny) -> None:
    causal = each.family.path == "shared"
    padding = each.backbone.tokenizer.tokenizer.pad_token_id
    assert causality_of(each.backbone.text, padding) == Causality(causal, causal)
    assert each.backbone.text.causal == causal


def test_aimv2_is_refused_before_and_after_it_is_loaded(tmp_path: Path) -> None:
    save_tiny(tmp_path, "aimv2")
    with pytest.raises(UserError, match=f"{TOLD}.*looks both ways without padding, looks back only with it"):
        load_backbone(str(tmp_path))
    result = CliRunner().invoke(main, ["backbones", "--check", str(tmp_path)])
    assert TOLD in f"{result.output}{result.exception}"
    assert FAMILIES["aimv2"].path == "refused"
