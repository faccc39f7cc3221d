"""Epochs: the published batches, and a state that goes on exactly."""

import pytest
import torch
from safetensors.torch import save_file

from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.checkpoint import load_checkpoint, save_checkpoint
from nemesis_sweep.training.episode_features import episode_features
from nemesis_sweep.training.training_run import TrainingRun


@pytest.fixture
def features(tiny_backbone, colours):
    return episode_features(colours, tiny_backbone, shots=8, seeds=(1, 2), views=3)


def make_fit(tiny_backbone, colours, features, **settings) -> TrainingRun:
    settings = {"n_ctx": 4, "epochs": 6, "views": 3, "batch": 10, "lr": 0.05, **settings}
    return TrainingRun(tiny_backbone, colours.classnames, Method(**settings), (1, 2), features)


def test_episodes_are_stacked_in_their_order(features):
    assert features.train.shape == (2, 32, 3, 32)
    assert features.val.shape == (2, 16, 32)
    assert features.test.shape == (40, 32)
    assert features.train_labels[0].tolist() == [item.label for item in features.episodes[0].train]


def test_the_last_short_batch_is_dropped(tiny_backbone, colours, features, monkeypatch):
    fit = make_fit(tiny_backbone, colours, features)
    seen = []
    real = fit.trainer.step
    monkeypatch.setattr(
        fit.trainer,
        "step",
        lambda images, *rest, **more: (seen.append(images.shape[1]), real(images, *rest, **more))[1],
    )
    fit.run_epoch()
    assert seen == [10, 10, 10]


def test_fewer_images_than_a_batch_are_one_batch(tiny_backbone, colours, features):
    metrics = make_fit(tiny_backbone, colours, features, batch=100).run_epoch()
    accuracies = torch.tensor(metrics["train/accuracy"])
    assert torch.allclose(accuracies * 32 / 100, (accuracies * 32 / 100).round())


def test_an_interrupted_fit_goes_on_exactly(tiny_backbone, colours, features, tmp_path):
    settings = {"omega": 3.0, "beta": 0.0, "n_positions": 2}
    whole = make_fit(tiny_backbone, colours, features, **settings)
    for _ in range(6):
        metrics = whole.run_epoch()
    half = make_fit(tiny_backbone, colours, features, **settings)
    for _ in range(3):
        half.run_epoch()
    save_checkpoint(tmp_path, half.state())
    resumed = make_fit(tiny_backbone, colours, features, **settings)
    resumed.load_state(load_checkpoint(tmp_path))
    while not resumed.done:
        again = resumed.run_epoch()
    assert torch.equal(resumed.trainer.learner.context, whole.trainer.learner.context)
    assert again == metrics
    assert resumed.selected_share() == whole.selected_share()


def test_how_often_each_position_was_selected_is_counted_over_all_steps(
    tiny_backbone, colours, features, monkeypatch
):
    fit = make_fit(tiny_backbone, colours, features, omega=3.0, beta=0.0, n_positions=2)
    assert fit.selected_share() is None
    seen = []
    real = fit.trainer.step
    monkeypatch.setattr(
        fit.trainer, "step", lambda *given, **more: seen.append(real(*given, **more)) or seen[-1]
    )
    while not fit.done:
        fit.run_epoch()
    assert len(seen) == 18
    shares = torch.tensor(fit.selected_share(), dtype=torch.float64)
    torch.testing.assert_close(shares, torch.stack([step.selected for step in seen]).double().mean(dim=0))
    # Something is there to be counted, and no more than two of four positions a step.
    assert shares.sum() > 0 and shares.sum(dim=1).max() <= 2


def test_all_drawn_positions_are_selected_by_the_control(tiny_backbone, colours, features):
    fit = make_fit(tiny_backbone, colours, features, omega=3.0, beta=0.0, n_positions=4, selection="random")
    fit.run_epoch()
    assert fit.selected_share() == [[1.0] * 4] * 2


def test_without_pan_nothing_is_selected(tiny_backbone, colours, features):
    for settings in ({"omega": 0.0, "beta": 0.0}, {"omega": 3.0, "beta": 1.0}):
        fit = make_fit(tiny_backbone, colours, features, **settings)
        fit.run_epoch()
        assert fit.selected_share() is None


def test_a_state_without_counts_is_gone_on_from_and_leaves_them_unknown(tiny_backbone, colours, features):
    settings = {"omega": 3.0, "beta": 0.0}
    fit = make_fit(tiny_backbone, colours, features, **settings)
    fit.run_epoch()
    old = {name: value for name, value in fit.state().items() if name not in ("selected", "steps")}
    resumed = make_fit(tiny_backbone, colours, features, **settings)
    resumed.load_state(old)
    assert resumed.run_epoch() == fit.run_epoch()
    assert resumed.selected_share() is None
    assert "steps" not in resumed.state()


def test_training_lowers_the_loss_on_images_it_has_not_seen(tiny_backbone, colours, features):
    fit = make_fit(tiny_backbone, colours, features, epochs=20, lr=0.5)
    before = fit.evaluate("test")["test/loss"]
    while not fit.done:
        fit.run_epoch()
    after = fit.evaluate("test")["test/loss"]
    assert all(later < earlier for earlier, later in zip(before, after, strict=True))


def test_a_checkpoint_that_is_not_what_was_saved_is_not_believed(tmp_path):
    assert load_checkpoint(tmp_path, "trial 1") is None
    state = {"context": torch.arange(6.0), "seconds": torch.tensor(2.0, dtype=torch.float64)}
    save_checkpoint(tmp_path, state, "trial 1")
    kept = load_checkpoint(tmp_path, "trial 1")
    assert all(torch.equal(kept[name], state[name]) for name in state)
    with pytest.raises(DamagedError, match="belongs to trial 1"):
        load_checkpoint(tmp_path, "trial 2")
    file = tmp_path / "state.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:])
    with pytest.raises(DamagedError, match="has a checksum that does not fit"):
        load_checkpoint(tmp_path, "trial 1")
    file.write_bytes(b"half a f")
    with pytest.raises(DamagedError, match="is no whole safetensors file"):
        load_checkpoint(tmp_path, "trial 1")


def test_a_checkpoint_of_an_earlier_version_is_taken_as_it_is(tmp_path):
    save_file({"context": torch.arange(6.0)}, tmp_path / "state.safetensors")
    assert load_checkpoint(tmp_path, "trial 1")["context"].tolist() == [0, 1, 2, 3, 4, 5]


def test_views_of_epochs_take_their_own_view(tiny_backbone, colours):
    features = episode_features(colours, tiny_backbone, shots=8, seeds=(1, 2), views=6)
    fit = make_fit(tiny_backbone, colours, features, views="epochs")
    rows = torch.tensor([[0, 5], [3, 1]])
    for epoch in (0, 4):
        fit.epoch = epoch
        images, labels = fit._batch(rows)
        assert torch.equal(images[1, 0], features.train[1, 3, epoch])
        assert labels[1, 0] == features.train_labels[1, 3]


def test_a_failed_replicate_has_no_accuracy(tiny_backbone, colours, features):
    fit = make_fit(tiny_backbone, colours, features, lr=0.01)
    fit.trainer.learner.context.data[1] = float("inf")
    fit.run_epoch()
    accuracies = fit.evaluate("val")["val/accuracy"]
    assert fit.trainer.failed == [1]
    assert accuracies[0] == accuracies[0]
    assert accuracies[1] != accuracies[1]
