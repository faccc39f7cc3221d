"""Random features, float64, of two replicates: classes of unequal size, several views."""

import pytest
import torch
import torch.nn.functional as F

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.episodes import Episode
from nemesis_sweep.training.episode_features import EpisodeFeatures

LABELS = ([0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 3], [0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3])


def near(texts, labels, generator, *more):
    """Features ``(..., *more, E)`` that have something of the text of their label."""
    own = texts[labels]
    for _ in more:
        own = own.unsqueeze(-2)
    noise = torch.randn(*labels.shape, *more, texts.shape[-1], generator=generator, dtype=torch.float64)
    return F.normalize(own + 0.25 * noise, dim=-1)


@pytest.fixture(scope="module")
def made(colours: Dataset, tiny_backbone) -> EpisodeFeatures:
    generator = torch.Generator().manual_seed(5)
    texts = F.normalize(torch.randn(4, 32, generator=generator, dtype=torch.float64), dim=-1)
    train, val = torch.tensor(LABELS), torch.tensor([[0, 1, 2, 3] * 3, [3, 2, 1, 0] * 3])
    test = torch.arange(20) % 4
    return EpisodeFeatures(
        train=near(texts, train, generator, 3),
        train_labels=train,
        val=near(texts, val, generator),
        val_labels=val,
        test=near(texts, test, generator),
        test_labels=test,
        episodes=tuple(Episode((), (), 3, seed) for seed in (1, 2)),
    )
