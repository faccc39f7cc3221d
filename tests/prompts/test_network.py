"""Networks that are learnt in place of the tensors, of a kind from outside, and what is refused."""

from pathlib import Path
from typing import ClassVar

import pytest
import torch

import nemesis_sweep as ns
from nemesis_sweep.spec.outside.beside import BESIDE
from nemesis_sweep.testing import PromptContract
from nemesis_sweep.testing.colours import colours
from nemesis_sweep.testing.tiny_backbones import tiny_backbone

MODULE = '''
"""A context of low rank."""

import torch

import nemesis_sweep as ns


class RankFields(ns.ContextFields):
    rank: int = 2


class Product(torch.nn.Module):
    def __init__(self, left, right):
        super().__init__()
        self.left, self.right = torch.nn.Parameter(left), torch.nn.Parameter(right)

    def forward(self):
        return {"context": self.left @ self.right}


class LowRank(ns.ContextLearner):
    tensors = ("context",)
    fields = RankFields

    @classmethod
    def network(cls, backbone, method, classnames, generators):
        def drawn(*shape):
            return torch.stack([0.1 * torch.randn(shape, generator=g) for g in generators])

        return Product(drawn(method.n_ctx, method.rank), drawn(method.rank, backbone.text.width))

    def classifier(self, *, variants=False):
        def rescaled(positions, scales):
            return ns.encode_variants(self.backbone.text, self.layout, self.context, positions, scales)

        texts = ns.encode_text(self.backbone.text, self.layout, self.context)
        return ns.TextClassifier(self.backbone, texts, rescaled)


class Shared(LowRank):
    """Its replicates are not apart."""

    @classmethod
    def network(cls, *given):
        made = super().network(*given)
        made.forward = lambda: {"context": made.left @ made.right.mean(dim=0)}
        return made


class Word(LowRank):
    @classmethod
    def network(cls, backbone, method, classnames, generators):
        return "none"


class NoneOfItsOwn(LowRank):
    @classmethod
    def network(cls, backbone, method, classnames, generators):
        return torch.nn.ReLU()


class OneForAll(LowRank):
    @classmethod
    def network(cls, backbone, method, classnames, generators):
        return torch.nn.Linear(3, 3)


class Double(LowRank):
    @classmethod
    def network(cls, *given):
        return super().network(*given).double()


class Tuple(LowRank):
    @classmethod
    def network(cls, *given):
        made = super().network(*given)
        made.forward = lambda: (made.left,)
        return made


class Other(LowRank):
    @classmethod
    def network(cls, *given):
        made = super().network(*given)
        made.forward = lambda: {"contexts": made.left}
        return made


class Flat(LowRank):
    @classmethod
    def network(cls, *given):
        made = super().network(*given)
        made.forward = lambda: {"context": made.left[0]}
        return made
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path):
    (tmp_path / "own_rank.py").write_text(MODULE, encoding="utf-8")
    BESIDE.look_in(tmp_path)
    yield tmp_path
    BESIDE.look_in(None)


class TestLowRank(PromptContract):
    prompt = "own_rank:LowRank"
    settings: ClassVar = {"n_ctx": 3}


def test_replicates_that_are_not_apart_are_found():
    contract = PromptContract()
    contract.prompt, contract.settings = "own_rank:Shared", {"n_ctx": 3}
    with pytest.raises(AssertionError):
        contract.test_a_replicate_alone_is_the_same_among_others()


def fitted(name="LowRank", **more):
    settings = {"prompt": f"own_rank:{name}", "n_ctx": 2, "epochs": 2, "views": 1, **more}
    return ns.fit(tiny_backbone(), colours(), settings, shots=1, seeds=(1, 2))


def test_a_saved_prompt_has_the_context_alone_and_trains_nothing_more(folder):
    learnt = fitted(rank=1)
    assert set(learnt.prompt.tensors) == {"context"}
    ranks = torch.linalg.matrix_rank(learnt.context, rtol=1e-4)
    assert ranks.tolist() == [1, 1]
    learnt.save(folder / "prompt")
    again = ns.load_prompt(folder / "prompt")
    picture = colours().test[0].content
    found = [ns.Classifier(each, tiny_backbone()).probabilities([picture]) for each in (again, learnt.prompt)]
    assert torch.equal(*found)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Word", "Word.network gives no network; found 'none'; allowed: a torch.nn.Module with parameters"),
        ("NoneOfItsOwn", "NoneOfItsOwn.network gives no network; found ReLU()"),
        (
            "OneForAll",
            "OneForAll.network has a parameter of another shape; found weight (3, 3), torch.float32; "
            "allowed: (2, ...), fp32: axis 0 is the replicate",
        ),
        (
            "Double",
            "Double.network has a parameter of another shape; found left (2, 2, 2), torch.float64; allowed",
        ),
        (
            "Tuple",
            "Tuple.network does not produce what `tensors` names; found (Parameter",
        ),
        (
            "Other",
            "Other.network does not produce what `tensors` names; found contexts (2, 2, 2); "
            "allowed: a mapping with context, (2, ...) each",
        ),
        (
            "Flat",
            "Flat.network does not produce what `tensors` names; found context (3, 2); allowed",
        ),
    ],
)
def test_what_is_no_network_of_r_replicates_is_told_in_a_line(name, told):
    with pytest.raises(ns.UserError) as refused:
        fitted(name, n_ctx=3 if name == "Flat" else 2)
    assert str(refused.value).startswith(told)
