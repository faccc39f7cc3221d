"""A tokenizer of whole words, for text towers that no published tokenizer fits; short measurements."""

from __future__ import annotations

from pathlib import Path

import pytest

from nemesis_sweep.bench import peak
from nemesis_sweep.testing.colours import picture
from tests.vlm.conftest import WordTokenizer
from tests.vlm.families import small_vit


@pytest.fixture
def tokenizer_of_words() -> WordTokenizer:
    return WordTokenizer(20, start=None, end=1, pad=1)


@pytest.fixture(autouse=True)
def short_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the machine's peak as always, but on small products for a moment."""
    monkeypatch.setattr(peak, "_SIZES", (256, 512))
    monkeypatch.setattr(peak, "_SECONDS", 0.05)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures around four colours: 12 train, 4 val and 30 test each."""
    folder = tmp_path_factory.mktemp("pictures")
    colours = {"red": (190, 90, 90), "green": (90, 190, 90), "blue": (90, 90, 190), "grey": (110, 110, 110)}
    for number, (name, colour) in enumerate(colours.items()):
        for split, size in {"train": 12, "val": 4, "test": 30}.items():
            place = folder / split / name
            place.mkdir(parents=True)
            for each in range(size):
                seed = 1000 * number + 100 * len(split) + each
                (place / f"{each}.png").write_bytes(picture(colour, seed))
    return folder


@pytest.fixture(scope="session")
def tiny_vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small model whose image tower is a ViT of three blocks."""
    return small_vit(tmp_path_factory.mktemp("weights") / "vit")
