"""Kinds of prompts from outside: what their class has to be; trained, saved, and read on where found."""

from pathlib import Path
from typing import ClassVar

import pytest
import torch

import nemesis_sweep as ns
from nemesis_sweep.prompts.registry import learner_of
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.outside.beside import BESIDE
from nemesis_sweep.sweep.names import known_names
from nemesis_sweep.testing import PromptContract

GOOD = '''
"""A context, and one number for each class that is added to its logit."""

from typing import Annotated

import torch
from pydantic import Field

import nemesis_sweep as ns


class BiasFields(ns.CoOpFields):
    spread: Annotated[float, Field(ge=0)] = 0.1


class Bias(ns.ContextLearner):
    tensors = ("context", "bias")
    fields = BiasFields
    transfers = False
    variants = False

    @classmethod
    def start(cls, backbone, method, classnames, generators):
        bias = [method.spread * torch.randn(len(classnames), generator=g) for g in generators]
        return {**super().start(backbone, method, classnames, generators), "bias": torch.stack(bias)}

    def classifier(self, *, variants=False):
        texts = ns.encode_text(self.backbone.text, self.layout, self.context)
        return Biased(ns.TextClassifier(self.backbone, texts), self.bias)


class Biased(ns.ImageClassifier):
    def __init__(self, inner, bias):
        self.inner, self.bias = inner, bias
        self.replicates, self.device, self.image_shape = inner.replicates, inner.device, inner.image_shape

    def __call__(self, images):
        return self.inner(images) + self.bias[:, None]
'''
BAD = """
import nemesis_sweep as ns
from own_bias import Bias


class NoLearner:
    tensors = ("context",)


class Unwritten(ns.Learner):
    tensors = ("context",)


class NoTensors(Bias):
    tensors = "context"


class Method(Bias):
    def n_vectors(self):
        return 4


class Arguments(Bias):
    def classifier(self, images):
        return None


class Start(Bias):
    @classmethod
    def start(cls, backbone, method):
        return {}


class Lacks(Bias):
    tensors = ("context", "biases")


class Reads(Bias):
    reads = "sounds"


class Several(Bias):
    several = "no"


class Named(Bias):
    tensors = ("context", "backbone")


class Dotted(Bias):
    tensors = ("context.bias",)


class Twice(Bias):
    tensors = ("context", "context")


class Plain(Bias):
    def start(cls, backbone, method, classnames, generators):
        return {}


class Static(Bias):
    @staticmethod
    def start(cls, backbone, method, classnames, generators):
        return {}


class Network(Bias):
    @classmethod
    def network(cls, backbone, method):
        return None


class Loose(Bias):
    def network(cls, backbone, method, classnames, generators):
        return None


class Nothing(Bias):
    regulariser = None


class DefaultFields(ns.CoOpFields):
    spread: float = "much"


class Default(Bias):
    fields = DefaultFields


class LaterFields(ns.CoOpFields):
    spread: "Unknown" = 1


class Later(Bias):
    fields = LaterFields


class TupleFields(ns.CoOpFields):
    spread: tuple[int, int] = (1, 2)


class Tuple(Bias):
    fields = TupleFields


class Unshowable(type):
    def __repr__(self):
        raise ValueError("no")


class Hidden(metaclass=Unshowable):
    pass


Nowhere = ns.Kind("own_bad", "no place of a class", ns.Fields)
Costly = ns.Kind("own_bias:Bias", "fields that are not its own", ns.Fields, costly="depth")
Passes = ns.Kind("own_bias:Bias", "a number", ns.Fields, passes=3)


def __getattr__(name):
    if name == "Lazy":
        raise ValueError("not today")
    raise AttributeError(name)
"""


@pytest.fixture
def folder(tmp_path: Path):
    (tmp_path / "own_bias.py").write_text(GOOD)
    (tmp_path / "own_bad.py").write_text(BAD)
    BESIDE.look_in(tmp_path)
    yield tmp_path
    BESIDE.look_in(None)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("NoLearner", "NoLearner does not extend nemesis_sweep.Learner"),
        ("Unwritten", "Unwritten does not write classifier, n_vectors, penalised, start; found"),
        ("NoTensors", "NoTensors has no `tensors`; found 'context'; allowed: names of its parameters"),
        ("Method", "Method has an `n_vectors` that is no property"),
        (
            "Arguments",
            "Arguments.classifier takes other arguments than it is given; found '(self, images)'; "
            "allowed: (self, *, variants)",
        ),
        ("Start", "Start.start takes other arguments than it is given; found '(backbone, method)'"),
        (
            "Reads",
            "own_bad:Reads has another `reads` than there is; found 'sounds'; allowed: pooled, patches, ",
        ),
        ("Several", "own_bad:Several has a `several` that is neither true nor false; found 'no'"),
        ("Named", "Named has `tensors` that cannot be called so; found 'backbone'"),
        ("Dotted", "Dotted has `tensors` that cannot be called so; found 'context.bias'"),
        ("Twice", "Twice names one of its `tensors` twice"),
        ("Plain", "Plain.start is no class method; found <function"),
        ("Static", "Static.start takes other arguments than it is given; found '(cls, backbone,"),
        ("Network", "Network.network takes other arguments than it is given; found '(backbone, method)'"),
        ("Loose", "Loose.network is no class method; found <function"),
        ("Nothing", "Nothing.regulariser cannot be called; found None"),
        (
            "Default",
            "own_bad:Default has a field that a sweep file cannot hold; found 'spread: Input should be",
        ),
        ("Later", "own_bad:Later has a field that a sweep file cannot hold; found '`LaterFields` is not"),
        ("Tuple", "own_bad:Tuple has a field that a sweep file cannot hold; found 'spread: Input should be"),
        ("Hidden", "Hidden does not extend nemesis_sweep.Learner; found <own_bad.Unshowable object"),
        ("Nowhere", "own_bad:Nowhere has a `learner` that is no place of a class; found 'own_bad'; allowed"),
        ("Costly", "own_bad:Costly has `costly` fields that are none of its own; found 'depth'"),
        ("Passes", "own_bad:Passes has `passes` that cannot be called; found 3"),
        ("Lazy", "own_bad cannot be imported: ValueError: not today (line"),
        ("Missing", "own_bad has no Missing"),
    ],
)
def test_a_class_that_breaks_the_contract_is_told(folder, name, told):
    with pytest.raises(ns.UserError) as refused:
        learner_of(f"own_bad:{name}")
    assert str(refused.value).startswith(told)


def test_a_tensor_that_start_does_not_give_is_told(folder):
    told = r"Lacks\.start does not give all that `tensors` names; found context, bias; allowed: also biases"
    with pytest.raises(ns.UserError, match=told):
        ns.fit(
            "icon-clip", "digits", {"prompt": "own_bad:Lacks", "n_ctx": 2, "views": 1}, shots=1, seeds=(1,)
        )


def test_it_is_trained_saved_and_used(folder, tmp_path_factory):
    method = {"prompt": "own_bias:Bias", "spread": 0.5, "n_ctx": 2, "epochs": 2, "views": 1}
    result = ns.fit("icon-clip", "digits", method, shots=1, seeds=(1, 2))
    assert set(result.prompt.tensors) == {"context", "bias"}
    assert "spread 0.5" in repr(result)
    home = tmp_path_factory.mktemp("home")
    result.save(home / "trials" / "digits" / "0")
    prompt = ns.load_prompt(home / "trials" / "digits" / "0")
    image = ns.load_dataset("digits").test[0].read()
    before = ns.Classifier(prompt).probabilities([image])
    assert before.shape == (1, 10)
    with pytest.raises(ns.UserError, match="this prompt was learnt for its own classes"):
        ns.Classifier(prompt, classnames=["cat", "dog"])
    (home / "modules").mkdir()
    (home / "modules" / "own_bias.py").write_text(GOOD)
    (home / "sweep.yaml").write_text("")
    BESIDE.look_in(None)
    again = ns.load_prompt(home / "trials" / "digits" / "0")
    assert torch.equal(ns.Classifier(again).probabilities([image]), before)
    (home / "modules" / "own_bias.py").unlink()
    BESIDE.look_in(None)
    with pytest.raises(ns.UserError) as refused:
        ns.load_prompt(home / "trials" / "digits" / "0")
    (line,) = str(refused.value).splitlines()
    assert "a prompt of the kind own_bias:Bias needs its code: there is no module own_bias" in line


class TestAKindWithoutVariants(PromptContract):
    """PAN cannot test its vectors; it keeps to all else."""

    prompt = "own_bias:Bias"
    settings: ClassVar = {"n_ctx": 3}

    @pytest.fixture(autouse=True)
    def _is_found(self, folder):
        pass


def test_variants_that_a_kind_does_not_give_are_missed(folder, monkeypatch):
    monkeypatch.setattr(learner_of("own_bias:Bias"), "variants", True)

    class Claims(TestAKindWithoutVariants):
        pass

    with pytest.raises(
        ns.UserError,
        match=r"this kind of prompt \(Biased\) gives no variants, so PAN cannot test any; "
        r"its class is to say `variants = False`, or its classifier to write `rescaled`",
    ):
        Claims().test_variants_are_the_prompts_with_one_vector_scaled()


def test_variants_that_a_kind_gives_are_not_overlooked(monkeypatch):
    monkeypatch.setattr(learner_of("coop"), "variants", False)

    class Hides(PromptContract):
        prompt = "coop"
        settings: ClassVar = {"n_ctx": 3}

    with pytest.raises(AssertionError, match="it has variants"):
        Hides().test_variants_are_the_prompts_with_one_vector_scaled()


def test_fields_of_another_kind_are_refused(folder):
    with pytest.raises(ns.UserError, match=r"own_bias:Bias has no anchor_weight; allowed: without it"):
        ns.fit("icon-clip", "digits", {"prompt": "own_bias:Bias", "anchor_weight": 1.0})
    with pytest.raises(ns.UserError, match=r"method\.spread: out of range; found -1"):
        ns.fit("icon-clip", "digits", {"prompt": "own_bias:Bias", "spread": -1})


BLIND = """
name: blind
tasks: {{dataset: digits, shots: 1}}
method: {{omega: 1, {fixed}}}
space: {space}
budget: {{trials: 1}}
"""


@pytest.mark.parametrize(
    ("fixed", "space", "key"),
    [
        ("prompt: 'own_bias:Bias', beta: 0.5", "{lr: {low: 0.1, high: 1}}", "method.beta"),
        (
            "anneal: constant",
            "{prompt: {choices: [coop, 'own_bias:Bias']}, beta: {choices: [0, 1]}}",
            "space.beta",
        ),
        ("beta: 1", "{prompt: {choices: {coop: {beta: {choices: [0, 1]}}, 'own_bias:Bias': {}}}}", ""),
        ("beta: 0, selection: random", "{prompt: {choices: [coop, 'own_bias:Bias']}}", ""),
    ],
)
def test_pan_is_refused_where_it_can_meet_a_kind_without_variants(folder, fixed, space, key):
    (folder / "blind.yaml").write_text(BLIND.format(fixed=fixed, space=space), encoding="utf-8")
    if not key:
        assert load_sweep(folder / "blind.yaml", known=known_names(folder)).name == "blind"
        return
    with pytest.raises(ns.UserError) as refused:
        load_sweep(folder / "blind.yaml", known=known_names(folder))
    (problem,) = refused.value.problems
    assert problem.key == key
    assert (
        problem.message == "PAN cannot test the vectors of own_bias:Bias, whose classifier gives no variants"
    )


def test_pan_is_refused_before_anything_is_encoded(folder):
    method = {"prompt": "own_bias:Bias", "omega": 1.0, "beta": 0.0}
    with pytest.raises(ns.UserError, match=r"^beta: this kind of prompt \(own_bias:Bias\) gives no variants"):
        ns.fit("icon-clip", "no such data set", method)
