"""Every family, tiny, once for all tests of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.dual_encoders.families import FAMILIES, Family
from nemesis_sweep.vlm.load_backbone import load_backbone

pytest.importorskip("transformers")


@dataclass(frozen=True)
class Tiny:
    """A family, the folder of a tiny model of it, transformers' own model, and the backbone made of it."""

    family: Family
    folder: Path
    model: Any
    backbone: Backbone


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Tiny]:
    """The tiny model of a family, by its `model_type`."""
    from tests.vlm.dual_encoders.tiny import save_tiny

    @cache
    def made(model_type: str) -> Tiny:
        folder = tmp_path_factory.mktemp(model_type)
        model = save_tiny(folder, model_type)
        return Tiny(FAMILIES[model_type], folder, model, load_backbone(str(folder)))

    return made


USED = sorted(name for name, family in FAMILIES.items() if family.path != "refused")


@pytest.fixture(params=USED)
def each(request: pytest.FixtureRequest, tiny: Callable[[str], Tiny]) -> Tiny:
    """Every family in turn."""
    return tiny(request.param)
