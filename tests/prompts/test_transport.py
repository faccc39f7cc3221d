"""Sinkhorn's rounds in log space against the published loop, and where that one stops."""

import pytest
import torch

from nemesis_sweep.prompts.transport import transport


def cosines(replicates=2, problems=(5, 3), prompts=4, parts=9, spread=0.1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (replicates, *problems, prompts, parts)
    return spread * torch.randn(shape, generator=generator, dtype=torch.float64)


def published(similarity):
    """PLOT's loop over a batch ``(B, N, Q)``: the rounds that it takes, and the plans."""
    kernel = torch.exp(-(1 - similarity.mT) / 0.1)
    count, parts, prompts = kernel.shape
    u, v = torch.full((count, parts), 1 / parts), torch.full((count, prompts), 1 / prompts)
    r, c = torch.ones_like(u), torch.ones_like(v)
    for rounds in range(1, 101):  # noqa: B007
        before = r
        r = u / (kernel @ c[..., None])[..., 0]
        c = v / (kernel.mT @ r[..., None])[..., 0]
        if (r - before).abs().mean() < 0.01:
            break
    return rounds, (r[..., None] * c[:, None] * kernel).mT


def test_rows_and_columns_of_a_plan_have_equal_sums():
    plan = transport(cosines(), rounds=300)
    torch.testing.assert_close(plan.sum(dim=-1), torch.full((2, 5, 3, 4), 1 / 4, dtype=torch.float64))
    torch.testing.assert_close(plan.sum(dim=-2), torch.full((2, 5, 3, 9), 1 / 9, dtype=torch.float64))


@pytest.mark.parametrize("spread", [0.05, 0.3])
def test_the_reference_stops_where_the_published_loop_does(spread):
    """Each replicate for itself, as if it were alone."""
    torch.set_default_dtype(torch.float64)
    try:
        given = torch.cat([cosines(1, spread=spread), cosines(1, spread=3 * spread, seed=1)])
        found = transport(given, rounds=None)
        told = [published(own.flatten(0, 1)) for own in given]
    finally:
        torch.set_default_dtype(torch.float32)
    for own, (_, plan) in zip(found, told, strict=True):
        torch.testing.assert_close(own.flatten(0, 1), plan, rtol=1e-10, atol=1e-12)
    assert told[0][0] != told[1][0]


def test_with_fixed_rounds_a_plan_depends_on_nothing_beside_it():
    given = cosines(1)
    alone = transport(given[:, :1], rounds=7)
    torch.testing.assert_close(transport(given, rounds=7)[:, :1], alone, rtol=1e-12, atol=1e-12)


def test_half_precision_is_computed_in_fp32():
    assert transport(cosines().half(), rounds=3).dtype == torch.float32
