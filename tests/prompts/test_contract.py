"""What every kind of prompt keeps to, whatever it learns; a new kind is tested by its name in the table."""

import dataclasses

import pytest
import torch

from nemesis_sweep.prompts.artifact import load_prompt
from nemesis_sweep.prompts.registry import learner_of
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.prompts import PROMPTS, transfers
from nemesis_sweep.training.api import fit
from nemesis_sweep.training.checkpoint import load_checkpoint, save_checkpoint
from nemesis_sweep.training.classifier import Classifier
from nemesis_sweep.training.evaluation import evaluate
from nemesis_sweep.training.trainer import Trainer
from nemesis_sweep.vlm import backbone as backbone_module
from tests.prompts.plain import plain_step

NAMES = ("red", "green", "blue", "a very dark grey")
TEMPLATE = "a picture of {}, drawn."
PENALTIES = {
    "none": {},
    "PUN": {"omega": 3.0},
    "PAN": {"omega": 3.0, "beta": 0.0, "n_positions": 3, "corruption": 0.2},
    "mix": {"omega": 3.0, "beta": 0.4, "n_positions": 2, "corruption": 4.0},
}
VARIANTS = {
    "coop": [{}, {"csc": True}, {"class_position": "middle"}, {"class_position": "front"}],
    "kgcoop": [{}, {"anchor_weight": 2.0, "csc": True}, {"anchor_weight": 0.5, "words": "a photo of"}],
    "cocoop": [{}, {"penalise": "shifted"}, {"class_position": "middle"}, {"class_position": "front"}],
    "plot": [
        {"n_prompts": 2},
        {"csc": True, "pooled_token": False, "reduction": "reference"},
        {"n_prompts": 3, "class_position": "front", "transport_rounds": 3},
    ],
}
"""Own settings under which a kind is compared with its plain recomputation."""

EXACT = [
    pytest.param(kind, settings, penalty, id=f"{kind}-{number}-{penalty}")
    for kind, several in VARIANTS.items()
    for number, settings in enumerate(several)
    for penalty in PENALTIES
]
DTYPES = {"float64": (torch.float64, 1e-10), "float32": (torch.float32, 1e-5)}
kinds = pytest.mark.parametrize("kind", PROMPTS)


def made(kind, penalty="mix", **settings):
    return Method(prompt=kind, **{"n_ctx": 3, "epochs": 6, "lr": 0.05, **PENALTIES[penalty], **settings})


def batch(learner, replicates, size=6, seed=0):
    """Image features of the kind's shape and labels, around one direction a class."""
    generator = torch.Generator().manual_seed(seed)
    shape = learner.image_shape
    directions = torch.randn(len(NAMES), *shape, generator=generator)
    labels = torch.randint(len(NAMES), (replicates, size), generator=generator)
    noise = torch.randn(replicates, size, *shape, generator=generator)
    images = torch.nn.functional.normalize(directions[labels] + noise, dim=-1)
    return images.to(next(learner.parameters()).dtype), labels


def drawn(replicates, method, n_vectors, seed=0):
    generators = [torch.Generator().manual_seed(31 * seed + r) for r in range(replicates)]
    return torch.stack([torch.randperm(n_vectors, generator=g)[: method.n_positions] for g in generators])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("kind", "settings", "penalty"), EXACT)
def test_a_step_equals_the_plain_recomputation(backbones, monkeypatch, kind, settings, penalty, dtype):
    """Loss, selected positions, norms and gradients of three replicates, after some steps of training."""
    number, tolerance = DTYPES[dtype]
    monkeypatch.setitem(backbone_module.DTYPES, "fp32", number)
    method = made(kind, penalty, **settings)
    trainer = Trainer(backbones[kind], NAMES, method, (1, 2, 3), TEMPLATE)
    trainer.learner.to(number)
    for epoch in range(1, 3):
        images, labels = batch(trainer.learner, 3, seed=epoch)
        positions = drawn(3, method, trainer.learner.n_vectors, epoch)
        before = trainer.learner.values()
        before = {name: value.clone() for name, value in before.items()}
        step = trainer.step(images, labels, epoch, positions)
        for r in range(3):
            own = {name: value[r] for name, value in before.items()}
            loss, chosen, gradients = plain_step(
                trainer.learner, own, images[r], labels[r], epoch, positions[r].tolist()
            )
            torch.testing.assert_close(step.loss[r], loss, rtol=tolerance, atol=tolerance)
            assert step.selected[r].nonzero().flatten().tolist() == sorted(chosen)
            for name, wanted in gradients.items():
                found = trainer.parameters[name].grad[r]
                difference = (found - wanted).norm() / wanted.norm().clamp(min=1e-30)
                assert difference <= tolerance, name


@kinds
def test_gradients_reach_every_parameter_and_norms_every_vector(backbones, kind):
    trainer = Trainer(backbones[kind], NAMES, made(kind, "PUN"), (1, 2), TEMPLATE)
    assert set(trainer.parameters) == set(learner_of(kind).tensors)
    step = trainer.step(*batch(trainer.learner, 2), 1)
    for name, parameter in trainer.parameters.items():
        assert len(parameter) == 2 and parameter.dtype == torch.float32, name
        assert (parameter.grad.flatten(1).abs().sum(dim=1) > 0).all(), name
    assert step.norms.shape == step.selected.shape == (2, trainer.learner.n_vectors)
    assert (step.norms > 0).all()


@kinds
def test_a_replicate_alone_is_the_same_among_others(backbones, kind):
    method = made(kind)
    among = Trainer(backbones[kind], NAMES, method, (7, 8, 9), TEMPLATE)
    alone = Trainer(backbones[kind], NAMES, method, (8,), TEMPLATE)
    for number in range(8):
        images, labels = batch(among.learner, 3, seed=number)
        among.step(images, labels, number // 2)
        alone.step(images[1:2], labels[1:2], number // 2)
    for name, value in alone.learner.values().items():
        torch.testing.assert_close(among.learner.values()[name][1], value[0], rtol=1e-5, atol=1e-6)


@kinds
def test_a_failed_replicate_is_frozen_and_its_neighbours_go_on(backbones, kind):
    method = made(kind, "PUN")
    broken, healthy = (Trainer(backbones[kind], NAMES, method, (1, 2), TEMPLATE) for _ in range(2))
    with torch.no_grad():
        # Finite, but its square is not.
        next(iter(broken.parameters.values()))[0].fill_(1e30)
    frozen = {name: value[0].clone() for name, value in broken.learner.values().items()}
    for number in range(3):
        given = batch(broken.learner, 2, seed=number)
        broken.step(*given, number)
        healthy.step(*given, number)
    assert broken.failed == [0] and healthy.failed == []
    for name, value in broken.learner.values().items():
        assert torch.equal(value[0], frozen[name])
        torch.testing.assert_close(value[1], healthy.learner.values()[name][1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("penalty", ["mix", "none"])
@kinds
def test_a_step_follows_the_towers(backbones, kind, penalty):
    """With another default device, a tensor made without naming its device would not fit the others."""
    trainer = Trainer(backbones[kind], NAMES, made(kind, penalty), (1, 2), TEMPLATE)
    first, second = batch(trainer.learner, 2), batch(trainer.learner, 2, seed=1)
    positions = torch.tensor([[0, 1], [2, 0]])
    trainer.step(*first, 1, positions)
    with torch.device("meta"):
        step = trainer.step(*second, 2, positions)
        found = evaluate(*second, trainer.learner.classifier())
    made_there = (*vars(step).values(), *trainer.learner.values().values(), *found)
    assert {tensor.device for tensor in made_there} == {torch.device("cpu")}


@kinds
def test_training_goes_on_from_a_checkpoint(backbones, kind, tmp_path):
    method = made(kind)
    whole, begun, resumed = (Trainer(backbones[kind], NAMES, method, (1, 2), TEMPLATE) for _ in range(3))
    for number in range(6):
        given = batch(whole.learner, 2, seed=number)
        whole.step(*given, number)
        if number < 3:
            begun.step(*given, number)
        if number == 2:
            save_checkpoint(tmp_path, begun.state(), "it")
            resumed.load_state(load_checkpoint(tmp_path, "it"))
        if number > 2:
            resumed.step(*given, number)
    for name, value in whole.learner.values().items():
        assert torch.equal(resumed.learner.values()[name], value)


@kinds
def test_variants_are_the_prompts_with_one_vector_scaled(backbones, kind):
    """Factor 1 changes nothing, and the states of the training pass give what a new pass gives."""
    trainer = Trainer(backbones[kind], NAMES, made(kind), (1, 2), TEMPLATE)
    images, _ = batch(trainer.learner, 2)
    positions = torch.tensor([[0, 2], [1, 0]])
    classifier = trainer.learner.classifier(variants=True)
    logits = classifier(images)
    same = classifier.rescaled(images, positions, torch.ones(2, 2))
    assert same.shape == (2, 2, *logits.shape[1:]) and not same.requires_grad
    torch.testing.assert_close(same[:, 1], logits.detach(), rtol=1e-4, atol=1e-4)
    half = classifier.rescaled(images, positions, torch.full((2, 2), 0.3))
    assert not torch.allclose(half[:, 0], logits, atol=1e-4)


@kinds
def test_a_saved_prompt_classifies_as_the_fit_said(backbones, kind, tmp_path, colours):
    settings = made(kind, "PAN", views=1, epochs=4).model_dump(exclude_unset=True)
    fitted = fit(backbones[kind], colours, settings, shots=2, seeds=(1, 2))
    fitted.save(tmp_path)
    prompt = load_prompt(tmp_path)
    assert prompt.kind == kind and set(prompt.tensors) == set(learner_of(kind).tensors)
    for name, value in fitted.prompt.tensors.items():
        assert torch.equal(prompt.tensors[name], value)
    pictures = [item.content for item in colours.test]
    labels = torch.tensor([item.label for item in colours.test])
    for place, seed in enumerate((1, 2)):
        found = Classifier(prompt, backbones[kind], seed=seed).probabilities(pictures).argmax(dim=1)
        right = 100 * float((found == labels).double().mean())
        assert right == pytest.approx(fitted.metrics["test/accuracy"][place])


@pytest.mark.parametrize("kind", [kind for kind in PROMPTS if transfers(made(kind).model_dump())])
def test_other_class_names_where_a_kind_claims_to_transfer(backbones, kind):
    method = made(kind)
    trainer = Trainer(backbones[kind], NAMES, method, (1, 2), TEMPLATE)
    images, labels = batch(trainer.learner, 2)
    trainer.step(images, labels, 1)
    with torch.no_grad():
        logits = trainer.learner.classifier()(images)
        renamed = trainer.learner.renamed((*NAMES[::-1], "yellow")).classifier()(images)
    assert renamed.shape == (2, 6, 5)
    torch.testing.assert_close(renamed[..., :4].flip(-1), logits, rtol=1e-4, atol=1e-4)


def test_every_kind_of_the_table_has_its_class_and_is_compared():
    assert set(VARIANTS) == set(PROMPTS)
    for kind, entry in PROMPTS.items():
        assert learner_of(kind).reads == entry.reads
        assert entry.about and dataclasses.is_dataclass(entry)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@kinds
def test_what_is_learnt_stays_fp32_on_a_half_precision_tower(backbones, kind, precision):
    """Gradients neither vanish nor overflow, and are those of fp32 but for rounding."""
    method = made(kind, "mix")
    exact = Trainer(backbones[kind], NAMES, method, (1, 2), TEMPLATE)
    half = Trainer(
        backbones[kind], NAMES, method.model_copy(update={"precision": precision}), (1, 2), TEMPLATE
    )
    images, labels = batch(exact.learner, 2)
    positions = torch.tensor([[0, 2], [1, 0]])
    for trainer in (exact, half):
        step = trainer.step(images, labels, 1, positions)
        assert step.loss.dtype == torch.float32 and step.loss.isfinite().all()
    for name, parameter in exact.parameters.items():
        found, wanted = half.parameters[name].grad, parameter.grad
        assert half.parameters[name].dtype == found.dtype == torch.float32
        assert 0 < (found - wanted).norm() / wanted.norm() < 0.1, name
