"""Every optimiser against torch's own on one replicate after the other, and a state that is taken up."""

import pytest
import torch

import nemesis_sweep as ns
from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.trainer import Trainer
from tests.training.test_trainer import NAMES, batches

SETTINGS = {
    "sgd": {"momentum": 0.8},
    "adam": {"adam_beta1": 0.8, "adam_beta2": 0.95, "adam_eps": 1e-6},
    "adamw": {"weight_decay": 0.1},
}


def torch_own(method, parameter):
    if method.optimiser == "sgd":
        return torch.optim.SGD(
            [parameter], method.lr, momentum=method.momentum, weight_decay=method.weight_decay
        )
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[method.optimiser]
    betas = (method.adam_beta1, method.adam_beta2)
    return kind([parameter], method.lr, betas, method.adam_eps, method.weight_decay)


@pytest.mark.parametrize(("name", "settings"), SETTINGS.items(), ids=SETTINGS)
def test_replicates_move_as_they_would_alone(tiny_backbone, name, settings):
    method = Method(n_ctx=4, epochs=6, lr=0.02, omega=2.0, optimiser=name, **settings)
    trainer = Trainer(tiny_backbone, NAMES, method, seeds=(1, 2))
    alone = [torch.nn.Parameter(context.clone()) for context in trainer.learner.context.detach()]
    own = [torch_own(method, parameter) for parameter in alone]
    for number, (images, labels) in enumerate(batches(2, steps=6)):
        trainer.step(images, labels, number)
        for replicate, (parameter, optimiser) in enumerate(zip(alone, own, strict=True)):
            optimiser.param_groups[0]["lr"] = trainer.optimiser.param_groups[0]["lr"]
            parameter.grad = trainer.learner.context.grad[replicate].clone()
            optimiser.step()
    torch.testing.assert_close(trainer.learner.context.detach(), torch.stack([p.detach() for p in alone]))


@pytest.mark.parametrize("name", SETTINGS)
def test_training_goes_on_from_its_state(tiny_backbone, name):
    method = Method(n_ctx=4, epochs=6, lr=0.02, optimiser=name)
    whole, begun, resumed = (Trainer(tiny_backbone, NAMES, method, seeds=(1, 2)) for _ in range(3))
    for number, given in enumerate(batches(2, steps=6)):
        whole.step(*given, number)
        (begun if number < 3 else resumed).step(*given, number)
        if number == 2:
            resumed.load_state(begun.state())
    assert torch.equal(whole.learner.context, resumed.learner.context)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_failed_replicate_stays_and_its_neighbour_goes_on(tiny_backbone, name):
    method = Method(n_ctx=4, epochs=6, lr=0.02, omega=2.0, optimiser=name)
    broken, healthy = (Trainer(tiny_backbone, NAMES, method, seeds=(1, 2)) for _ in range(2))
    given = batches(2, steps=4)
    for number, each in enumerate(given):
        if number == 2:
            with torch.no_grad():
                broken.learner.context[0] = 1e30
            frozen = broken.learner.context[0].detach().clone()
        broken.step(*each, number)
        healthy.step(*each, number)
    assert broken.failed == [0] and torch.equal(broken.learner.context[0], frozen)
    torch.testing.assert_close(broken.learner.context[1], healthy.learner.context[1])


def test_fields_of_another_optimiser_are_refused(tiny_backbone, colours):
    with pytest.raises(ns.UserError, match=r"momentum: adam has no momentum; allowed: .*optimiser: sgd"):
        ns.fit(tiny_backbone, colours, {"optimiser": "adam", "momentum": 0.5})
    with pytest.raises(ns.UserError, match=r"optimiser: .*found .*adma.*sgd"):
        ns.fit(tiny_backbone, colours, {"optimiser": "adma"})
