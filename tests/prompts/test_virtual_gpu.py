"""Every kind of prompt on a GPU that is none: the same numbers, tensors of one device, and no wait for it."""

import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import normalize

from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.prompts import PROMPTS
from nemesis_sweep.training import resident
from nemesis_sweep.training.corruption import corrupt
from nemesis_sweep.training.episode_features import EpisodeFeatures
from nemesis_sweep.training.evaluation import evaluate
from nemesis_sweep.training.trainer import Trainer
from nemesis_sweep.training.training_run import TrainingRun
from tests.prompts.test_contract import NAMES, PENALTIES, VARIANTS, batch, made
from tests.virtual_gpu import DEVICE, OnDevice, VirtualGPU, plain

SEEDS = (1, 2)
PRECISIONS = ("fp32", "bf16", "fp16")
# What a precision or one loss changes, both losses at once change as well: the rest is for `make test-all`.
STEPS = [
    pytest.param(
        kind,
        penalty,
        precision,
        {},
        id=f"{kind}-{penalty}-{precision}",
        marks=() if penalty == "mix" and precision != "fp16" else pytest.mark.slow,
    )
    for kind in PROMPTS
    for penalty in PENALTIES
    for precision in (PRECISIONS if penalty == "mix" else PRECISIONS[:1])
]
EPOCHS = ("coop", "cocoop", "plot", "ptuning", "promptsrc")
"""One kind for each thing that is kept or made: an image's feature, texts of each image, features of its
parts, a network, its tokens."""
STEPS += [
    pytest.param(kind, "mix", "fp32", own, id=f"{kind}-{number}")
    for kind, several in VARIANTS.items()
    for number, own in enumerate(several)
    if own
]
OTHERS = (
    {"optimiser": "adam"},
    {"optimiser": "adamw"},
    {"selection": "random"},
    {"norm": "inf", "words": "a photo of"},
)
STEPS += [
    pytest.param("coop", "PAN", "fp32", own, id=f"coop-{'-'.join(own)}-{number}")
    for number, own in enumerate(OTHERS)
]


@pytest.fixture(autouse=True)
def attention_of_every_device():
    """torch has kernels of its own for it on a CPU, which round otherwise."""
    with sdpa_kernel(SDPBackend.MATH):
        yield


@pytest.fixture
def gpu():
    with VirtualGPU() as gpu:
        yield gpu


def started(backbone, method, device):
    return Trainer(backbone.to(precision=method.precision, device=device), NAMES, method, SEEDS)


def of_the_same_texts(there, here):
    """Class features of a hand-written prompt as on the CPU: for them torch takes kernels by device."""
    if hasattr(here, "anchors"):
        assert torch.allclose(plain(there.anchors), here.anchors, atol=1e-2)
        there.anchors = here.anchors.to(DEVICE)


def of_the_same_start(there, here):
    """The same for what a prompt begins as, if it is made of a text."""
    for own, other in zip(_begun(there), _begun(here), strict=True):
        assert (plain(own) - other).norm() <= 1e-2 * other.norm()
        own.data.copy_(other.data)


def _begun(trainer):
    fixed = [] if trainer._network is None else trainer._network.buffers()
    return [*trainer.learner.parameters(), *fixed]


def same(a, b):
    return torch.equal(plain(a).nan_to_num(7e7), plain(b).nan_to_num(7e7))


@pytest.mark.parametrize(("kind", "penalty", "precision", "own"), STEPS)
def test_a_step_waits_for_nothing_and_gives_the_same(backbones, kind, penalty, precision, own):
    """Three steps, the second with a replicate that fails; batches first from the CPU, then on the device."""
    method = made(kind, penalty, precision=precision, **own)
    here = started(backbones[kind], method, "cpu")
    with VirtualGPU() as gpu:
        there = started(backbones[kind], method, DEVICE)
        of_the_same_texts(there.learner, here.learner)
        of_the_same_start(there, here)
        for epoch, on_device in enumerate((False, True, True)):
            images, labels = batch(here.learner, len(SEEDS), seed=epoch)
            if epoch == 1:
                for trainer in (here, there):
                    next(iter(trainer.parameters.values())).data[1] = float("nan")
            given = (images.to(DEVICE), labels.to(DEVICE)) if on_device else (images, labels)
            gpu.forget()
            step = there.step(*given, epoch, checked=on_device)
            assert not gpu.faults
            assert not gpu.waits
            assert all(isinstance(value, OnDevice) for value in vars(step).values())
            for name, value in vars(here.step(images, labels, epoch)).items():
                assert same(getattr(step, name), value), name
        assert there.failed == here.failed == [1]
        assert gpu.waits.total() == 1  # To know who failed.
        for name, value in here.state().items():
            assert same(there.state()[name], value), name


def test_a_batch_on_the_device_is_looked_at_in_one_read(backbones, gpu):
    trainer = started(backbones["coop"], made("coop"), DEVICE)
    images, labels = batch(trainer.learner, len(SEEDS))
    trainer.step(images, labels, 0)
    gpu.forget()
    trainer.step(images.to(DEVICE), labels.to(DEVICE), 1)
    assert sum(number for what, number in gpu.waits.items() if "copied to" not in what) == 1


def test_the_published_stop_of_plot_waits_once_a_round(backbones, gpu):
    """It stops when a value is small: documented, and not the default."""
    trainer = started(backbones["plot"], made("plot", "none", transport_stop="reference"), DEVICE)
    for epoch in range(2):
        gpu.forget()
        trainer.step(*batch(trainer.learner, len(SEEDS), seed=epoch), epoch)
    assert not gpu.faults
    assert {what.split(",")[0] for what in gpu.waits} == {"value read"}
    assert all("transport.py" in what for what in gpu.waits)


def episodes(learner, count, views=2):
    """Made-up features of so many training images a replicate."""
    shape, generator = learner.image_shape, torch.Generator().manual_seed(0)

    def features(*leading):
        return normalize(torch.randn(*leading, *shape, generator=generator), dim=-1)

    def labels(*leading):
        return torch.randint(len(NAMES), leading, generator=generator)

    n = len(SEEDS)
    return EpisodeFeatures(
        features(n, count, views), labels(n, count), features(n, 5), labels(n, 5), features(9), labels(9), ()
    )


def running(backbone, method, device, features):
    on_device = backbone.to(precision=method.precision, device=device)
    return TrainingRun(on_device, NAMES, method, SEEDS, features)


@pytest.mark.parametrize(
    ("kind", "most"),
    # Copied are features of a whole image, of its parts, and tokens for the image tower.
    [*(pytest.param(kind, 0, id=f"{kind}-copied") for kind in ("coop", "plot", "vpt"))]
    # For the others, a step and a test of them stand by themselves above and below.
    + [
        pytest.param(kind, 2**29, id=f"{kind}-resident", marks=() if kind in EPOCHS else pytest.mark.slow)
        for kind in PROMPTS
    ],
)
def test_epochs_wait_as_often_however_many_steps_they_have(backbones, monkeypatch, kind, most):
    """Features on the device or, where they are too many, copied batch by batch: metrics as on a CPU."""
    monkeypatch.setattr(resident, "MOST", most)
    method = made(kind, batch=4, views=2)
    with torch.no_grad():
        learner = started(backbones[kind], method, "cpu").learner
        one, two = (episodes(learner, 4 * steps) for steps in (1, 2))
    here = running(backbones[kind], method, "cpu", two)
    assert here.features is two
    with VirtualGPU() as gpu:
        short = running(backbones[kind], method, DEVICE, one)
        there = running(backbones[kind], method, DEVICE, two)
        of_the_same_texts(there.trainer.learner, here.trainer.learner)
        of_the_same_start(there.trainer, here.trainer)
        assert isinstance(there.features.train, OnDevice) == bool(most)
        for _ in range(2):
            gpu.forget()
            short.run_epoch()
            assert gpu.waits.total() == 1 and not gpu.faults
            gpu.forget()
            assert there.run_epoch() == here.run_epoch()
            assert gpu.waits.total() == 1 and not gpu.faults
        for split in ("val", "test"):
            assert there.evaluate(split) == here.evaluate(split)
        assert there.prompt().selected_share == here.prompt().selected_share
        again = running(backbones[kind], method, DEVICE, two)
        of_the_same_texts(again.trainer.learner, here.trainer.learner)
        again.load_state(there.state())
        assert again.run_epoch() == here.run_epoch()
        assert not gpu.faults


def test_what_goes_to_the_device_for_all_trials_is_looked_at_once(backbones, gpu):
    """Features that are not finite are refused there as on a CPU."""
    features = episodes(started(backbones["coop"], made("coop"), "cpu").learner, 4)
    features.train[1, 2, 1, 3] = float("inf")
    with pytest.raises(Exception, match="not finite; found inf in image 2 of replicate 1"):
        running(backbones["coop"], made("coop"), DEVICE, features)


def test_evaluation_copies_images_that_replicates_share_once(backbones, gpu, monkeypatch):
    trainer = started(backbones["coop"], made("coop"), DEVICE)
    images, labels = batch(trainer.learner, 1, size=50)
    with torch.no_grad():
        classifier = trainer.learner.classifier()
    copied = []
    real = VirtualGPU._copied

    def noted(self, name, args, kwargs, here, there, to_device):
        copied.extend(tensor.numel() for tensor in here)
        real(self, name, args, kwargs, here, there, to_device)

    monkeypatch.setattr(VirtualGPU, "_copied", noted)
    gpu.forget()
    evaluate(images[0], labels[0], classifier)
    assert sorted(copied) == [50, 50 * 32]
    assert not gpu.waits
    assert not gpu.faults


@pytest.mark.parametrize("kind", PROMPTS)
def test_a_second_trial_of_the_same_words_plans_nothing(backbones, monkeypatch, kind):
    """The layout, and with it the plan, is kept with the backbone, whatever else the trials search."""
    method = made(kind)
    trainer = started(backbones[kind], method, "cpu")
    trainer.step(*batch(trainer.learner, len(SEEDS)), 0)
    planned = []
    monkeypatch.setattr("nemesis_sweep.vlm.plan.make_plan", lambda *given: planned.append(given))
    monkeypatch.setattr("nemesis_sweep.vlm.kept_layouts.make_layout", lambda *given: planned.append(given))
    other = started(backbones[kind], made(kind, lr=0.2), "cpu")
    other.step(*batch(other.learner, len(SEEDS)), 0)
    assert not planned
    if hasattr(trainer.learner, "layout"):
        assert other.learner.layout is trainer.learner.layout


def test_a_new_part_of_a_plan_is_not_waited_for(backbones, gpu):
    """Which rows a first position needs is worked out on the CPU."""
    method = Method(n_ctx=4, epochs=5, omega=1.0, beta=0.0, n_positions=1, class_position="middle")
    trainer = started(backbones["coop"], method, DEVICE)
    gpu.forget()
    for slot in (3, 1, 0):
        positions = torch.full((len(SEEDS), 1), slot)
        trainer.step(*batch(trainer.learner, len(SEEDS), seed=slot), 1, positions)
    assert not gpu.waits
    assert not gpu.faults


CORRUPTED = [
    *((kind, {}) for kind in PROMPTS),
    ("coop", {"csc": True}),
    ("coop", {"class_position": "front"}),
]


def corrupted(learner, operation, strengths, positions=()):
    images, labels = batch(learner, 1, size=9)
    return corrupt(learner, SEEDS, images[0].cpu(), labels[0], operation, strengths, positions)


def on_the_device(backbones, kind, method, here):
    there = started(backbones[kind], method, DEVICE).learner
    of_the_same_texts(there, here)
    for parameter, other in zip(there.parameters(), here.parameters(), strict=True):
        parameter.data.copy_(other.data)
    return there


@pytest.mark.parametrize(("kind", "own"), CORRUPTED, ids=str)
def test_corrupted_prompts_are_those_of_a_cpu_and_waited_for_at_the_end(backbones, gpu, kind, own):
    method = made(kind, "none", **own)
    here = started(backbones[kind], method, "cpu").learner
    there = on_the_device(backbones, kind, method, here)
    for operation, strengths in {"rescale": (0.1, 3.0), "replace": (0.0, 0.5)}.items():
        gpu.forget()
        found, wanted = corrupted(there, operation, strengths), corrupted(here, operation, strengths)
        assert not gpu.faults
        assert gpu.waits.total() == 2 + (kind == "plot")  # Which looks whether it matches long enough.
        assert np.array_equal(found.right, wanted.right) and np.array_equal(found.before, wanted.before)
        np.testing.assert_allclose(found.norms, wanted.norms, rtol=1e-5)
        np.testing.assert_allclose(found.after, wanted.after, rtol=1e-5)


def test_a_larger_grid_is_not_waited_for_more_often(backbones, gpu, monkeypatch):
    monkeypatch.setattr("nemesis_sweep.training.corruption.MOST", 2)
    method = made("coop", "none")
    there = on_the_device(backbones, "coop", method, started(backbones["coop"], method, "cpu").learner)
    for strengths, positions in (((0.5,), (1,)), ((0.1, 0.5, 2.0), ())):
        gpu.forget()
        corrupted(there, "rescale", strengths, positions)
        assert gpu.waits.total() == 2 and not gpu.faults


def test_noise_for_pans_test_is_not_waited_for(backbones, gpu):
    method = made("coop", "PAN", corrupt_by="replace")
    trainer, here = (started(backbones["coop"], method, device) for device in (DEVICE, "cpu"))
    for epoch in range(3):
        gpu.forget()
        given = batch(here.learner, len(SEEDS), seed=epoch)
        step = trainer.step(*given, epoch)
        assert not gpu.waits and not gpu.faults
        assert same(step.selected, here.step(*given, epoch).selected)


def test_what_the_virtual_gpu_sees(gpu):
    """Every kind of wait and of fault, once."""
    x = torch.arange(4.0).to(DEVICE, non_blocking=True)
    assert not gpu.waits
    for look in (
        lambda: float(x.sum()),
        lambda: bool(x.any()),
        lambda: x.tolist(),
        lambda: x.cpu(),
        lambda: torch.ones(2).to(DEVICE),
        lambda: x.nonzero(),
        lambda: x[x > 1],
        lambda: x[torch.tensor([0, 1])],
        lambda: torch.equal(x, x),
        lambda: x.copy_(torch.zeros(4)),
        lambda: torch.zeros(4).copy_(x),
    ):
        gpu.forget()
        look()
        assert gpu.waits.total() == 1
        assert not gpu.faults
    for mixed in (
        lambda: x + torch.ones(4),
        lambda: x.gather(0, torch.tensor([1])),
        lambda: x.to("cpu", non_blocking=True),
    ):
        gpu.forget()
        mixed()
        assert gpu.faults.total() == 1
