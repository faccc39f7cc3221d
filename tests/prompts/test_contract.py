"""What every kind of prompt keeps to, whatever it learns; a new kind is tested by its name in the table."""

import dataclasses

import pytest
import torch

from nemesis_sweep.prompts.registry import learner_of
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.prompts import PROMPTS
from nemesis_sweep.testing.prompt_contract import NAMES, PENALTIES, TEMPLATE, PromptContract, batch
from nemesis_sweep.training.trainer import Trainer
from nemesis_sweep.vlm import backbone as backbone_module
from tests.prompts.plain import plain_step

VARIANTS = {
    "coop": [
        *({}, {"csc": True}, {"class_position": "middle"}, {"class_position": "front"}),
        *({"prograd": 1.0}, {"prograd": 0.7, "csc": True}, {"norm": "relative"}),
    ],
    "kgcoop": [
        *({}, {"anchor_weight": 2.0, "csc": True}, {"anchor_weight": 0.5, "words": "a photo of"}),
        {"prograd": 1.0},
    ],
    "cocoop": [{}, {"penalise": "shifted"}, {"class_position": "middle"}, {"class_position": "front"}],
    "plot": [
        {"n_prompts": 2},
        {"csc": True, "pooled_token": False, "reduction": "reference"},
        {"n_prompts": 3, "class_position": "front", "transport_rounds": 3},
    ],
    "deep_text": [
        *({}, {"class_position": "middle"}, {"class_position": "front"}, {"prompt_depth": 1}),
        {"norm": "relative"},
    ],
    "ptuning": [
        {"encoder_hidden": 5},
        *({"prompt_encoder": "mlp"}, {"prompt_encoder": "mlp", "class_position": "middle"}),
        {"norm": "relative", "encoder_hidden": 3, "class_position": "front"},
    ],
    "vpt": [
        *({}, {"vision_last": 2}, {"vision_last": 1}, {"vision_last": 3, "prompt_depth_vision": 1}),
        *({"vision_last": 2, "prompt_depth_vision": 1}, {"prompt_depth_vision": 2, "norm": "relative"}),
        {"vision_last": 2, "norm": "relative", "n_ctx_vision": 4},
    ],
    "prefix": [
        *({}, {"prompt_depth": 1}, {"words": "a photo of"}, {"anchor_template": "{}"}),
        *({"norm": "relative"}, {"prefix_hidden": 5}, {"prefix_hidden": 3, "prompt_depth": 1}),
    ],
    "maple": [
        *({}, {"vision_last": 2}, {"vision_last": 1}, {"prompt_depth": 1, "class_position": "middle"}),
        {"vision_last": 2, "norm": "relative", "class_position": "front"},
    ],
    "promptsrc": [
        {},
        {"vision_last": 2, "norm": "relative", "prompt_depth": 1, "logit_weight": 30.0},
        {"vision_last": 2, "prompt_depth_vision": 1, "anchor_template": "{}", "class_position": "middle"},
    ],
    "tcp": [
        *({}, {"class_position": "middle"}, {"class_position": "front", "class_block": 1}),
        *({"words": "a photo of", "norm": "relative"}, {"anchor_weight": 0.0}),
    ],
}
"""Own settings under which a kind is compared with its plain recomputation."""

DTYPES = {"float64": (torch.float64, 1e-10), "float32": (torch.float32, 1e-5)}
EXACT = [
    pytest.param(
        *(kind, settings, penalty, dtype),
        id=f"{kind}-{number}-{penalty}-{dtype}",
        # Both losses at once see what each of them does.
        marks=() if penalty == "mix" or (number == 0 and dtype == "float64") else pytest.mark.slow,
    )
    for kind, several in VARIANTS.items()
    for number, settings in enumerate(several)
    for penalty in PENALTIES
    for dtype in DTYPES
]

SETTINGS = {"ptuning": {"lr": 0.005}, "maple": {"lr": 0.005, "vision_last": 2}}
"""Where the contract's are not to be had: a step of a network moves its vectors many times as far."""


@pytest.mark.parametrize("kind", PROMPTS)
class TestEveryKind(PromptContract):
    @pytest.fixture(autouse=True)
    def _is(self, kind):
        self.prompt = kind
        # Before the first block of the image tower there is a norm, which leaves little of a factor.
        of_images = {"n_ctx_vision": 3, "vision_last": 2}
        own = {"n_ctx": 3} if "n_ctx" in PROMPTS[kind].names else {}
        own |= of_images if PROMPTS[kind].own_in_image_tower else {}
        self.settings = {**own, **SETTINGS.get(kind, {})}
        self.learns_what_it_scales = kind != "cocoop"


def made(kind, penalty="mix", **settings):
    given = {"n_ctx": 3, "n_ctx_vision": 3, "epochs": 6, "lr": 0.05, **PENALTIES[penalty], **settings}
    return Method(prompt=kind, **given)


def drawn(replicates, method, n_vectors, seed=0):
    generators = [torch.Generator().manual_seed(31 * seed + r) for r in range(replicates)]
    return torch.stack([torch.randperm(n_vectors, generator=g)[: method.n_positions] for g in generators])


@pytest.mark.parametrize(("kind", "settings", "penalty", "dtype"), EXACT)
def test_a_step_equals_the_plain_recomputation(backbones, monkeypatch, kind, settings, penalty, dtype):
    """Loss, selected positions, norms and gradients of two replicates, after some steps of training."""
    number, tolerance = DTYPES[dtype]
    monkeypatch.setitem(backbone_module.DTYPES, "fp32", number)
    method = made(kind, penalty, **settings)
    trainer = Trainer(backbones[kind], NAMES, method, (1, 2), TEMPLATE)
    for parameter in trainer.parameters.values():
        parameter.data = parameter.data.to(number)
    first, _ = batch(trainer.learner, 2, seed=1)
    for epoch in range(1, 3):
        images, labels = batch(trainer.learner, 2, seed=epoch)
        positions = drawn(2, method, trainer.learner.n_vectors, epoch)
        before = {name: value.detach().clone() for name, value in trainer.parameters.items()}
        step = trainer.step(images, labels, epoch, positions)
        for r in range(2):
            own = {name: value[r] for name, value in before.items()}
            loss, chosen, gradients = plain_step(
                trainer.learner, own, images[r], labels[r], epoch, positions[r].tolist(), first[r]
            )
            torch.testing.assert_close(step.loss[r], loss, rtol=tolerance, atol=tolerance)
            assert step.selected[r].nonzero().flatten().tolist() == sorted(chosen)
            for name, wanted in gradients.items():
                found = trainer.parameters[name].grad[r]
                difference = (found - wanted).norm() / wanted.norm().clamp(min=1e-30)
                assert difference <= tolerance, name


def test_every_kind_of_the_table_has_its_class_and_is_compared():
    assert set(VARIANTS) == set(PROMPTS)
    for kind, entry in PROMPTS.items():
        assert learner_of(kind).reads == entry.reads
        assert entry.about and dataclasses.is_dataclass(entry)
