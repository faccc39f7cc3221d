"""P-tuning's networks against torch's own, how they start, and that a saved prompt has none of them."""

from typing import ClassVar

import pytest
import torch

import nemesis_sweep as ns
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.prompts.prompt_encoder import PromptEncoder
from nemesis_sweep.testing import PromptContract
from nemesis_sweep.testing.colours import colours
from nemesis_sweep.testing.tiny_backbones import tiny_backbone
from nemesis_sweep.training.trainer import Trainer
from tests.prompts.test_contract import NAMES, SETTINGS, TEMPLATE, batch, made

M, D = 5, 12


class TestTheMLPAlone(PromptContract):
    prompt = "ptuning"
    settings: ClassVar = {"n_ctx": 3, "prompt_encoder": "mlp", **SETTINGS["ptuning"]}


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def torch_lstm(encoder, replicate, hidden):
    """torch's LSTM with the weights of one replicate."""
    lstm = torch.nn.LSTM(D, hidden, num_layers=2, bidirectional=True, batch_first=True, dtype=torch.float64)
    names = {"input_weight": "weight_ih", "state_weight": "weight_hh"}
    names |= {"input_bias": "bias_ih", "state_bias": "bias_hh"}
    pairs = []
    for number, layer in enumerate(encoder.lstm):
        for direction, suffix in enumerate(("", "_reverse")):
            for own, theirs in names.items():
                pairs.append((getattr(lstm, f"{theirs}_l{number}{suffix}"), getattr(layer, own), direction))
    with torch.no_grad():
        for parameter, value, direction in pairs:
            parameter.copy_(value[replicate, direction])
    return lstm, pairs


@pytest.mark.parametrize("recurrent", [True, False], ids=["lstm", "mlp"])
@pytest.mark.parametrize("hidden", [None, 7])
def test_values_and_gradients_are_those_of_torchs_own_layers(recurrent, hidden):
    encoder = PromptEncoder(M, D, hidden, recurrent, 0.02, generators(1, 2, 3)).double()
    found = encoder()["context"]
    weights = torch.randn(3, M, D, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    (weights * found).sum().backward()
    for r in range(3):
        embedding = encoder.embedding[r].detach().clone().requires_grad_()
        x, pairs = embedding[None], []
        if recurrent:
            lstm, pairs = torch_lstm(encoder, r, hidden or D // 2)
            x = lstm(x)[0]
        layers = []
        for own in encoder.layers:
            layers += [torch.nn.ReLU()] if layers else []
            layers.append(torch.nn.Linear(own.weight.shape[2], own.weight.shape[1], dtype=torch.float64))
            with torch.no_grad():
                layers[-1].weight.copy_(own.weight[r])
                layers[-1].bias.copy_(own.bias[r])
        wanted = torch.nn.Sequential(*layers)(x)[0]
        exact = {"rtol": 1e-10, "atol": 1e-10}
        torch.testing.assert_close(found[r], wanted, **exact)
        (weights[r] * wanted).sum().backward()
        torch.testing.assert_close(encoder.embedding.grad[r], embedding.grad, **exact)
        for parameter, value, direction in pairs:
            torch.testing.assert_close(value.grad[r, direction], parameter.grad, **exact)
        for own, theirs in zip(encoder.layers, layers[::2], strict=True):
            torch.testing.assert_close(own.weight.grad[r], theirs.weight.grad, **exact)
            torch.testing.assert_close(own.bias.grad[r], theirs.bias.grad, **exact)


@pytest.mark.parametrize(("recurrent", "count"), [(True, 14 * D * D), (False, 3 * D * D)])
def test_layers_are_as_wide_as_published(recurrent, count):
    """An LSTM of D / 2 in each direction and D to D to D; or D to D three times. Weights without biases."""
    encoder = PromptEncoder(M, D, None, recurrent, 0.02, generators(1))
    weights = [value for name, value in encoder.named_parameters() if "weight" in name]
    # Of a layer of the LSTM: two directions, four gates of D / 2, each D inputs and D / 2 states.
    assert sum(value.numel() for value in weights) == count


@pytest.mark.parametrize("encoder", ["lstm", "mlp"])
def test_every_replicate_starts_from_its_own_generator_with_coops_deviation(encoder):
    backbone, method = tiny_backbone(), made("ptuning", n_ctx=6, prompt_encoder=encoder)
    among, alone = (Trainer(backbone, NAMES, method, seeds, TEMPLATE) for seeds in ((3, 4, 5), (4,)))
    for name, value in alone.parameters.items():
        torch.testing.assert_close(among.parameters[name][1], value[0], rtol=1e-5, atol=1e-7)
        assert not torch.equal(among.parameters[name][0], among.parameters[name][1])
    context = among.learner.values()["context"]
    assert context.shape == (3, 6, backbone.text.width)
    deviations = context.flatten(1).std(dim=1, correction=0)
    torch.testing.assert_close(deviations, torch.full((3,), 0.02), rtol=1e-4, atol=0)


def test_what_is_learnt_moves_with_the_network_and_only_its_context_is_saved(tmp_path):
    backbone = tiny_backbone()
    settings = {"prompt": "ptuning", "n_ctx": 3, "epochs": 2, "views": 1, "omega": 1.0, "beta": 0.0}
    fitted = ns.fit(backbone, colours(), settings, shots=1, seeds=(1, 2))
    assert set(fitted.prompt.tensors) == {"context"}
    fitted.save(tmp_path)
    read = ns.load_prompt(tmp_path)
    assert read.kind == "ptuning" and torch.equal(read.context, fitted.context)
    assert not torch.equal(read.context, torch.zeros_like(read.context))
    classifier = ns.Classifier(read, backbone, classnames=["red", "blue"])
    assert classifier.probabilities([colours().test[0].content]).shape == (1, 2)


def test_a_learner_that_is_asked_twice_between_steps_is_as_of_now():
    trainer = Trainer(tiny_backbone(), NAMES, made("ptuning"), (1,), TEMPLATE)
    before = trainer.learner.values()["context"].clone()
    trainer.step(*batch(trainer.learner, 1), 1)
    after = trainer.learner.values()["context"]
    assert not torch.equal(before, after)
    assert not list(trainer.learner.parameters())
    torch.testing.assert_close(trainer.learner.context.detach(), after, rtol=0, atol=0)


@pytest.mark.parametrize("field", [{"csc": True}, {"words": "a photo of a"}, {"prompt_depth": 2}])
def test_fields_of_others_are_refused(field):
    with pytest.raises(UserError, match="ptuning has no"):
        ns.fit("icon-clip", "digits", {"prompt": "ptuning", **field})
