"""PUN and PAN against values worked out by hand."""

import pytest
import torch

from nemesis_sweep.nemesis.norms import pan, pun, vector_norms, weighted_norm

# Two replicates of three vectors with 2-norms 5, 0, 13 and 1, 2, 2.
CONTEXT = torch.tensor([[[3.0, 4.0], [0.0, 0.0], [5.0, 12.0]], [[1.0, 0.0], [0.0, 2.0], [-2.0, 0.0]]])


@pytest.mark.parametrize(
    ("norm", "expected"),
    [
        ("1", [[7.0, 0.0, 17.0], [1.0, 2.0, 2.0]]),
        ("2", [[5.0, 0.0, 13.0], [1.0, 2.0, 2.0]]),
        ("inf", [[4.0, 0.0, 12.0], [1.0, 2.0, 2.0]]),
        ("relative", [[5.0, 0.0, 13.0], [1.0, 2.0, 2.0]]),  # the trainer divides by what is usual
    ],
)
def test_norms_of_every_position(norm, expected):
    assert vector_norms(CONTEXT, norm).tolist() == expected


def test_pun_is_omega_times_the_mean_norm():
    assert pun(vector_norms(CONTEXT), 10.0).tolist() == pytest.approx([60.0, 50 / 3])


def test_pan_is_omega_times_the_mean_norm_of_the_selected():
    selected = torch.tensor([[True, False, True], [False, True, False]])
    assert pan(vector_norms(CONTEXT), 2.0, selected).tolist() == pytest.approx([18.0, 4.0])


def test_pan_of_nothing_selected_is_nothing():
    selected = torch.zeros(2, 3, dtype=torch.bool)
    assert pan(vector_norms(CONTEXT), 2.0, selected).tolist() == [0.0, 0.0]


def test_each_position_may_have_its_own_weight():
    alpha = torch.tensor([[1.0, 0.0, 2.0], [0.5, 0.0, 0.0]])
    # (1*5 + 2*13) / 2 and (0.5*1) / 1
    assert weighted_norm(vector_norms(CONTEXT), alpha).tolist() == [15.5, 0.5]


def test_class_specific_vectors_are_averaged_or_summed_over_classes():
    per_class = torch.stack([CONTEXT, 3 * CONTEXT], dim=1)
    assert vector_norms(per_class, reduction="mean").tolist() == [[10.0, 0.0, 26.0], [2.0, 4.0, 4.0]]
    assert vector_norms(per_class, reduction="reference").tolist() == [[20.0, 0.0, 52.0], [4.0, 8.0, 8.0]]


def test_a_vector_of_zeros_has_a_finite_gradient():
    context = torch.zeros(1, 2, 4, requires_grad=True)
    pun(vector_norms(context), 5.0).sum().backward()
    assert context.grad.abs().max() == 0
