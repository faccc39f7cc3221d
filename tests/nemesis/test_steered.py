"""Annealings that go by what is measured: against weights worked out by hand, and in a training."""

import math

import pytest
import torch

from nemesis_sweep.nemesis.annealings.hold_norm import HoldNorm
from nemesis_sweep.nemesis.annealings.overfit import Overfit
from nemesis_sweep.nemesis.annealings.steered import BOUNDS
from nemesis_sweep.spec.choices import ANNEALINGS
from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.checkpoint import load_checkpoint, save_checkpoint
from nemesis_sweep.training.episode_features import episode_features
from nemesis_sweep.training.training_run import TrainingRun

STEERED = [name for name, entry in ANNEALINGS.items() if entry.steered]
SEEDS = (1, 2)


def steered(annealing, norms, validations=()) -> list[list[float]]:
    """The weights of each epoch. validations: what is measured after some epochs."""
    found = []
    for epoch, norm in enumerate(norms):
        annealing.steer(torch.tensor(norm))
        found.append(annealing(epoch, 50).tolist())
        if epoch < len(validations) and validations[epoch] is not None:
            annealing.validated(torch.tensor(validations[epoch]))
    return found


def test_a_norm_above_the_target_raises_the_weight_and_one_below_lowers_it() -> None:
    norms = [[4.0, 4.0], [2.2, 2.0], [1.8, 2.0]]
    first, second, third = steered(HoldNorm(target=0.5, gain=2.0), norms)
    assert first == [1.0, 1.0]
    assert second == pytest.approx([1.1**2, 1.0])
    assert third == pytest.approx([1.1**2 * 0.9**2, 1.0])


def test_the_weight_at_most_doubles_or_halves() -> None:
    told = steered(HoldNorm(target=1.0, gain=5.0), [[1.0, 1.0], [9.0, 0.1], [9.0, 0.1]])
    assert told == [[1.0, 1.0], [2.0, 0.5], [4.0, 0.25]]


def test_overfit_raises_the_weight_where_validation_fell_and_the_norm_grew() -> None:
    norms = [[1.0, 1.0, 1.0], [2.0, 2.0, 0.5]] * 2
    told = steered(Overfit(factor=3.0), norms, [[60.0, 60.0, 60.0], [50.0, 70.0, 50.0]])
    assert told[:2] == [[1.0, 1.0, 1.0]] * 2
    # The norm that counts is that of the validated prompt: what the next epoch begins with.
    assert told[2] == [1.0, 1.0, 3.0]


def test_without_a_validation_in_between_the_weight_stays() -> None:
    told = steered(Overfit(factor=3.0), [[1.0], [2.0], [3.0], [4.0]], [[60.0], None, None])
    assert told == [[1.0]] * 4


def test_a_failed_replicate_keeps_its_weight_and_none_leaves_the_bounds() -> None:
    told = steered(HoldNorm(target=1.0, gain=1.0), [[1.0, 1.0], *[[math.nan, 9.0]] * 20])
    assert told[-1] == pytest.approx([1.0, BOUNDS[1]])


@pytest.fixture(name="begun")
def _begun(colours, tiny_backbone):
    features = episode_features(colours, tiny_backbone, 2, SEEDS, 1)

    def begin(seeds=SEEDS, **more):
        settings = {"n_ctx": 2, "omega": 1.0, "epochs": 7, "views": 1, "batch": 4, "lr": 0.05}
        own = features if seeds == SEEDS else episode_features(colours, tiny_backbone, 2, seeds, 1)
        return TrainingRun(tiny_backbone, colours.classnames, Method(**{**settings, **more}), seeds, own)

    return begin


def trained(run: TrainingRun, epochs: int) -> TrainingRun:
    for _ in range(epochs):
        run.run_epoch()
        run.evaluate("val")
    return run


@pytest.mark.parametrize("name", STEERED)
def test_an_interrupted_training_goes_on_as_it_would_have(name, begun, tmp_path) -> None:
    whole = trained(begun(anneal=name), 6)
    save_checkpoint(tmp_path, trained(begun(anneal=name), 3).state())
    resumed = begun(anneal=name)
    resumed.load_state(load_checkpoint(tmp_path))
    trained(resumed, 3)
    assert torch.equal(resumed.trainer.steered.weight, whole.trainer.steered.weight)
    assert torch.equal(resumed.prompt().tensors["context"], whole.prompt().tensors["context"])


@pytest.mark.parametrize("name", STEERED)
def test_each_replicate_is_steered_by_itself(name, begun) -> None:
    together, alone = trained(begun(anneal=name), 6), trained(begun((2,), anneal=name), 6)
    torch.testing.assert_close(together.trainer.steered.weight[1:], alone.trainer.steered.weight)


def test_the_lower_the_target_the_lower_the_norms(begun) -> None:
    def norm(**more) -> float:
        return trained(begun(lr=0.005, omega=0.2, **more), 6).run_epoch()["norm/mean"][0]

    low, high = (norm(anneal="hold_norm", anneal_target=target) for target in (0.5, 4.0))
    assert low < norm(anneal="constant") < high


def test_the_weight_is_among_the_metrics_of_an_epoch(begun) -> None:
    run = begun(anneal="hold_norm", anneal_target=0.5)
    assert run.run_epoch()["penalty/weight"] == [1.0, 1.0]
    assert all(weight > 1 for weight in run.run_epoch()["penalty/weight"])
    assert "penalty/weight" not in begun(anneal="constant").run_epoch()
