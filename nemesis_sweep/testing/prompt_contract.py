"""What every kind of prompt keeps to, whatever it learns, as a class of tests to inherit."""

from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.prompts.artifact import load_prompt
from nemesis_sweep.prompts.learner import ImageClassifier, Learner
from nemesis_sweep.prompts.registry import learner_of
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.outside.kinds import kind_of
from nemesis_sweep.spec.outside.methods import all_kinds, read_method
from nemesis_sweep.spec.prompts import transfers
from nemesis_sweep.testing.colours import colours
from nemesis_sweep.testing.tiny_backbones import tiny_backbone
from nemesis_sweep.training.api import fit
from nemesis_sweep.training.checkpoint import load_checkpoint, save_checkpoint
from nemesis_sweep.training.classifier import Classifier
from nemesis_sweep.training.evaluation import evaluate
from nemesis_sweep.training.trainer import Trainer
from nemesis_sweep.vlm.backbone import Backbone

NAMES = ("red", "green", "blue", "a very dark grey")
TEMPLATE = "a picture of {}, drawn."
PENALTIES: dict[str, dict[str, Any]] = {
    "none": {},
    "PUN": {"omega": 3.0},
    "PAN": {"omega": 3.0, "beta": 0.0, "n_positions": 3, "corruption": 0.2},
    "mix": {"omega": 3.0, "beta": 0.4, "n_positions": 2, "corruption": 4.0},
}
NEEDS_VARIANTS = ("PAN", "mix")
POSITIONS = ((0, 2), (1, 0))


class PromptContract:
    """Inherit it in a test file, and pytest runs it over a kind of prompt.

    prompt: the kind, as in a sweep file (`my_module:MyPrompt`). settings: its own fields, where they are not
    to have their defaults. The kind needs three vectors or more, which PUN and PAN tell apart.
    learns_what_it_scales: false where PAN scales vectors that are not learnt as they are, such as CoCoOp's,
    to which every image adds something.
    A kind that says `variants = False` is tested with PUN alone, and has to refuse PAN.
    """

    prompt: ClassVar[str]
    settings: ClassVar[dict[str, Any]] = {}
    learns_what_it_scales: ClassVar[bool] = True

    @property
    def variants(self) -> bool:
        """Whether the kind says that PAN can test its vectors."""
        return learner_of(self.prompt).variants

    @property
    def backbone(self) -> Backbone:
        """One that has the image features that the kind reads."""
        return tiny_backbone(kind_of(self.prompt).reads)

    def method(self, penalty: str = "mix", **more: Any) -> Method:
        """The settings of a short training; PUN in place of PAN for a kind without variants."""
        if penalty in NEEDS_VARIANTS and not self.variants:
            penalty = "PUN"
        given = {"prompt": self.prompt, "epochs": 6, "lr": 0.05, **PENALTIES[penalty], **self.settings}
        return read_method({**given, **more})

    def trainer(self, method: Method, seeds: tuple[int, ...] = (1, 2)) -> Trainer:
        return Trainer(self.backbone, NAMES, method, seeds, TEMPLATE)

    def test_gradients_reach_every_parameter_and_norms_every_vector(self) -> None:
        trainer = self.trainer(self.method("PUN"))
        tensors = set(learner_of(self.prompt).tensors)
        assert set(trainer.learner.values()) == tensors >= set(dict(trainer.learner.named_parameters()))
        step = trainer.step(*batch(trainer.learner, 2), 1)
        for name, parameter in trainer.parameters.items():
            assert len(parameter) == 2 and parameter.dtype == torch.float32, name
            assert parameter.grad is not None, name
            assert (parameter.grad.flatten(1).abs().sum(dim=1) > 0).all(), name
        assert step.norms.shape == step.selected.shape == (2, trainer.learner.n_vectors)
        assert (step.norms > 0).all()

    def test_a_replicate_alone_is_the_same_among_others(self) -> None:
        among, alone = self.trainer(self.method(), (7, 8, 9)), self.trainer(self.method(), (8,))
        for number in range(8):
            images, labels = batch(among.learner, 3, seed=number)
            among.step(images, labels, number // 2)
            alone.step(images[1:2], labels[1:2], number // 2)
        for name, value in alone.learner.values().items():
            torch.testing.assert_close(among.learner.values()[name][1], value[0], rtol=1e-5, atol=1e-5)

    def test_a_failed_replicate_is_frozen_and_its_neighbours_go_on(self) -> None:
        broken, healthy = (self.trainer(self.method("PUN")) for _ in range(2))
        with torch.no_grad():
            for parameter in broken.parameters.values():
                parameter[0].fill_(1e30)  # Finite, but its square is not.
        frozen = {name: value[0].detach().clone() for name, value in broken.parameters.items()}
        for number in range(3):
            given = batch(broken.learner, 2, seed=number)
            broken.step(*given, number)
            healthy.step(*given, number)
        assert broken.failed == [0] and healthy.failed == []
        for name, value in broken.parameters.items():
            assert torch.equal(value[0], frozen[name])
            torch.testing.assert_close(value[1], healthy.parameters[name][1], rtol=1e-5, atol=1e-6)

    def test_a_step_follows_the_towers(self) -> None:
        """With another default device, a tensor made without naming its device would not fit the others."""
        for penalty in ("mix", "none"):
            trainer = self.trainer(self.method(penalty))
            first, second = batch(trainer.learner, 2), batch(trainer.learner, 2, seed=1)
            positions = torch.tensor(POSITIONS)
            trainer.step(*first, 1, positions)
            with torch.device("meta"):
                step = trainer.step(*second, 2, positions)
                found = evaluate(*second, trainer.learner.classifier())
            made_there = (*vars(step).values(), *trainer.learner.values().values(), *found)
            assert {tensor.device for tensor in made_there} == {torch.device("cpu")}, penalty

    def test_training_goes_on_from_a_checkpoint(self, tmp_path: Path) -> None:
        whole, begun, resumed = (self.trainer(self.method()) for _ in range(3))
        for number in range(6):
            given = batch(whole.learner, 2, seed=number)
            whole.step(*given, number)
            if number < 3:
                begun.step(*given, number)
            if number == 2:
                save_checkpoint(tmp_path, begun.state(), "it")
                saved = load_checkpoint(tmp_path, "it")
                assert saved is not None
                resumed.load_state(saved)
            if number > 2:
                resumed.step(*given, number)
        for name, parameter in whole.parameters.items():
            assert torch.equal(resumed.parameters[name], parameter)
        for name, value in whole.learner.values().items():
            assert torch.equal(resumed.learner.values()[name], value)

    def test_variants_are_the_prompts_with_one_vector_scaled(self) -> None:
        """Factor 1 changes nothing, and other factors do. Without variants PAN is refused."""
        trainer = self.trainer(self.method())
        images, _ = batch(trainer.learner, 2)
        positions = torch.tensor(POSITIONS)
        classifier = trainer.learner.classifier(variants=True)
        if not self.variants:
            assert _refuses_variants(classifier, images, positions), (
                "it has variants: without `variants = False`"
            )
            return
        logits = classifier(images)
        same = classifier.rescaled(images, positions, torch.ones(2, 2))
        assert same.shape == (2, 2, *logits.shape[1:]) and not same.requires_grad
        torch.testing.assert_close(same[:, 1], logits.detach(), rtol=1e-4, atol=1e-4)
        scales = torch.tensor([[0.3, 0.6], [2.5, 0.3]])
        found = classifier.rescaled(images, positions, scales)
        assert not torch.allclose(found[:, 0], logits, atol=1e-4)
        if self.learns_what_it_scales:
            for place in range(2):
                scaled = scaled_learner(trainer.learner, positions[:, place], scales[:, place])
                with torch.no_grad():
                    wanted = scaled.classifier()(images)
                torch.testing.assert_close(found[:, place], wanted, rtol=1e-4, atol=1e-4)

    def test_variants_are_the_prompts_with_another_vector(self) -> None:
        """As REPLACE needs them; a kind may refuse to be given other vectors."""
        trainer = self.trainer(self.method())
        learner = trainer.learner
        images, _ = batch(learner, 2)
        positions = torch.tensor(POSITIONS)
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            vectors = learner.penalised()
            noise = torch.randn(vectors.shape, generator=generator).to(vectors)
            given = learner.as_vectors(_at(noise, positions), positions)  # (R, N, ..., D)
        try:
            found = learner.classifier(variants=True).replaced(images, positions, given)
        except UserError:
            return
        assert not found.requires_grad
        assert not torch.allclose(found[:, 0], learner.classifier()(images), atol=1e-4)
        if self.learns_what_it_scales:
            for place in range(2):
                own = positions[:, [place]]
                change = given[:, [place]] - _at(vectors, own)
                other = changed_learner(learner, own[:, 0], change[:, 0])
                with torch.no_grad():
                    wanted = other.classifier()(images)
                torch.testing.assert_close(found[:, place], wanted, rtol=1e-4, atol=1e-4)

    def test_the_penalty_moves_what_is_learnt(self) -> None:
        trainer = self.trainer(self.method())
        learner, learnt = trainer.learner, list(trainer.parameters.values())
        images, _ = batch(learner, 2)
        penalised = learner.penalised(images)
        assert penalised.requires_grad, "it has to follow from what is learnt"
        for position in range(learner.n_vectors):
            vector = penalised[..., position, :].flatten(1).square().sum()
            found = torch.autograd.grad(vector, learnt, retain_graph=True, allow_unused=True)
            moved = sum(each.flatten(1).abs().sum(dim=1) for each in found if each is not None)
            assert isinstance(moved, Tensor) and (moved > 0).all(), position

    def test_an_image_is_classified_alone_as_among_others(self) -> None:
        """Or a test set would say something else with other chunks."""
        learner = self.trainer(self.method()).learner
        images, _ = batch(learner, 2)
        with torch.no_grad():
            together = learner.classifier()(images)
            alone = [learner.classifier()(images[:, [place]]) for place in range(images.shape[1])]
        torch.testing.assert_close(torch.cat(alone, dim=1), together, rtol=1e-4, atol=1e-4)

    def test_a_saved_prompt_classifies_as_the_fit_said(self, tmp_path: Path) -> None:
        data = colours()
        settings = self.method("PAN", views=1, epochs=4).model_dump(exclude_unset=True)
        fitted = fit(self.backbone, data, settings, shots=2, seeds=(1, 2))
        fitted.save(tmp_path)
        prompt = load_prompt(tmp_path)
        assert prompt.kind == self.prompt and set(prompt.tensors) == set(learner_of(self.prompt).tensors)
        for name, value in fitted.prompt.tensors.items():
            assert torch.equal(prompt.tensors[name], value)
        pictures = [item.content for item in data.test if item.content is not None]
        labels = torch.tensor([item.label for item in data.test])
        for place, seed in enumerate((1, 2)):
            found = Classifier(prompt, self.backbone, seed=seed).probabilities(pictures).argmax(dim=1)
            right = 100 * float((found == labels).double().mean())
            assert abs(right - fitted.metrics["test/accuracy"][place]) < 1e-6

    def test_other_class_names_where_it_claims_to_transfer(self) -> None:
        method = self.method()
        if not transfers(method.model_dump(), all_kinds(self.prompt)):
            return
        trainer = self.trainer(method)
        images, labels = batch(trainer.learner, 2)
        trainer.step(images, labels, 1)
        with torch.no_grad():
            logits = trainer.learner.classifier()(images)
            renamed = trainer.learner.renamed((*NAMES[::-1], "yellow")).classifier()(images)
        assert renamed.shape == (2, 6, 5)
        torch.testing.assert_close(renamed[..., :4].flip(-1), logits, rtol=1e-4, atol=1e-4)

    def test_what_is_learnt_stays_fp32_on_a_half_precision_tower(self) -> None:
        """Gradients neither vanish nor overflow, and are those of fp32 but for rounding."""
        exact = self.trainer(self.method("PUN"))  # What PAN selects may turn on the rounding of one logit.
        images, labels = batch(exact.learner, 2)
        positions = torch.tensor(POSITIONS)
        exact.step(images, labels, 1, positions)
        for precision in ("bf16", "fp16"):
            self.trainer(self.method(precision=precision)).step(images, labels, 1, positions)
            half = self.trainer(self.method("PUN", precision=precision))
            step = half.step(images, labels, 1, positions)
            assert step.loss.dtype == torch.float32 and step.loss.isfinite().all()
            for name, parameter in exact.parameters.items():
                found, wanted = half.parameters[name].grad, parameter.grad
                assert found is not None and wanted is not None
                assert half.parameters[name].dtype == found.dtype == torch.float32
                assert 0 < (found - wanted).norm() / wanted.norm() < 0.1, (name, precision)


def _refuses_variants(classifier: ImageClassifier, images: Tensor, positions: Tensor) -> bool:
    try:
        classifier.rescaled(images, positions, torch.ones(positions.shape))
    except UserError:
        return True
    return False


def _at(vectors: Tensor, positions: Tensor) -> Tensor:
    """Of vectors ``(R, ..., P, D)`` those at positions ``(R, N)``: ``(R, N, ..., D)``."""
    rows = vectors.movedim(-2, 1)
    return torch.stack([rows[replicate, own] for replicate, own in enumerate(positions)])


def scaled_learner(learner: Learner, positions: Tensor, scales: Tensor) -> Learner:
    """The learner whose tensors hold vector ``positions[r]`` times ``scales[r]``, for each replicate."""
    chosen = _at(learner.penalised().detach(), positions[:, None])[:, 0]
    return changed_learner(learner, positions, (scales - 1).view(-1, *[1] * (chosen.ndim - 1)) * chosen)


def changed_learner(learner: Learner, positions: Tensor, changes: Tensor) -> Learner:
    """The learner whose tensors hold vector ``positions[r]`` plus ``changes[r]``, ``(..., D)``, for each
    replicate."""
    chosen = _at(learner.penalised(), positions[:, None])[:, 0]
    tensors = {name: getattr(learner, name) for name in learner.tensors}
    # The gradient of its product with a vector is the change, at the vector's place in the tensors.
    product = (changes.detach() * chosen).sum()
    found = torch.autograd.grad(product, list(tensors.values()), allow_unused=True)
    values = {
        name: tensor.detach() if change is None else tensor.detach() + change
        for (name, tensor), change in zip(tensors.items(), found, strict=True)
    }
    return type(learner)(learner.backbone, learner.method, learner.classnames, values, learner.template)


def batch(learner: Learner, replicates: int, size: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Image features of the kind's shape and labels, around one direction a class."""
    generator = torch.Generator().manual_seed(seed)
    shape = learner.image_shape
    directions = torch.randn(len(NAMES), *shape, generator=generator)
    labels = torch.randint(len(NAMES), (replicates, size), generator=generator)
    noise = torch.randn(replicates, size, *shape, generator=generator)
    images = torch.nn.functional.normalize(directions[labels] + noise, dim=-1)
    if len(shape) > 2:  # Pixels are bytes.
        images = 127.5 * (1 + images)
    return images.to(next(iter(learner.values().values())).dtype), labels
