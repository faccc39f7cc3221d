"""LP++: its beginning, its steps and its gradients, written the long way."""

import torch

from nemesis_sweep.training.references import lp_plus_plus
from nemesis_sweep.training.references.lp_plus_plus import LPPlusPlus, beginning, gradients, step_sizes
from tests.training.references.plain import cross_entropy, lp_plus_plus_logits, score

CLASSES = range(4)


def descended_alone(texts, images, labels, val, val_labels, steps):
    """The best round of one replicate, by autograd: its number and its values."""
    cosines = images @ texts.T
    weight = torch.stack([sum(images[labels == k]) for k in CLASSES])
    means = [cosines[labels == k][:, k].mean() for k in CLASSES]
    alpha = torch.full((4,), 250 * float(sum(means)) / 4, dtype=torch.float64)
    values = {"weight": weight, "bias": torch.zeros(4, dtype=torch.float64), "alpha": alpha}
    rate = 4 * len(images) / float(torch.linalg.eigvalsh(images.T @ images).max())
    alpha_rate = len(images) / (4 * max(float((cosines[:, k] ** 2).sum()) for k in CLASSES))
    speed = {"weight": torch.zeros_like(weight), "bias": torch.zeros(4, dtype=torch.float64)}
    best = None
    for step in range(1, steps + 1):
        own = {name: value.clone().requires_grad_() for name, value in values.items()}
        cross_entropy(lp_plus_plus_logits(images, own, texts), labels).backward()
        speed = {name: 0.9 * each + own[name].grad for name, each in speed.items()}
        values = {
            "weight": values["weight"] - rate * speed["weight"],
            "bias": values["bias"] - rate * speed["bias"],
            "alpha": values["alpha"] - (alpha_rate * own["alpha"].grad if step % 10 == 0 else 0),
        }
        found = score(lp_plus_plus_logits(val, values, texts), val_labels)
        if best is None or found > best[0]:
            best = found, step, values
    return best[1:]


def test_it_is_gradient_descent_with_the_step_sizes_of_the_paper(tiny_backbone, colours, made):
    texts = tiny_backbone.encode_texts(colours.zero_shot_texts()).double()
    found, steps = lp_plus_plus.descended(texts, made, steps=25)
    for replicate in range(2):
        step, expected = descended_alone(
            texts,
            made.train[replicate].flatten(0, 1),
            made.train_labels[replicate].repeat_interleave(3),
            made.val[replicate],
            made.val_labels[replicate],
            25,
        )
        assert int(steps[replicate]) == step
        for name, value in expected.items():
            torch.testing.assert_close(found[name][replicate], value, rtol=1e-9, atol=1e-9)


def test_gradients_and_step_sizes(tiny_backbone, colours, made):
    texts = tiny_backbone.encode_texts(colours.zero_shot_texts()).double()
    images = made.train[:, :, 0]
    cosines = images @ texts.T
    one_hot = torch.nn.functional.one_hot(made.train_labels, 4).double()
    values = beginning(images, cosines, one_hot)
    found = gradients(images, cosines, one_hot, values)
    rate, alpha_rate = step_sizes(images, cosines)
    for replicate in range(2):
        own = {name: value[replicate].clone().requires_grad_() for name, value in values.items()}
        cross_entropy(
            lp_plus_plus_logits(images[replicate], own, texts), made.train_labels[replicate]
        ).backward()
        for name, value in own.items():
            torch.testing.assert_close(found[name][replicate], value.grad, rtol=1e-10, atol=1e-10)
        largest = torch.linalg.eigvalsh(images[replicate].T @ images[replicate]).max()
        torch.testing.assert_close(rate[replicate], 4 * 11 / largest, rtol=1e-10, atol=0)
        most = (cosines[replicate] ** 2).sum(dim=0).max()
        torch.testing.assert_close(alpha_rate[replicate], 11 / (4 * most), rtol=1e-10, atol=0)


def test_a_class_without_images_starts_at_nothing_and_counts_for_nothing():
    images = torch.eye(3, dtype=torch.float64)[None]
    cosines = torch.tensor([[[0.5, 0.1], [0.3, 0.1], [0.1, 0.1]]], dtype=torch.float64)
    one_hot = torch.tensor([[[1.0, 0.0]] * 3], dtype=torch.float64)
    values = beginning(images, cosines, one_hot)
    assert values["weight"][0].tolist() == [[1, 1, 1], [0, 0, 0]]
    torch.testing.assert_close(values["alpha"][0], torch.full((2,), 250 * 0.3, dtype=torch.float64))


def test_the_classifier_has_the_logits_of_the_formula(tiny_backbone, colours, made):
    measured = lp_plus_plus.lp_plus_plus(tiny_backbone, colours, made)
    texts = tiny_backbone.encode_texts(colours.zero_shot_texts()).double()
    found = LPPlusPlus(tiny_backbone, colours, measured.values)(made.val)
    for replicate in range(2):
        own = {name: value[replicate] for name, value in measured.values.items()}
        expected = lp_plus_plus_logits(made.val[replicate], own, texts)
        torch.testing.assert_close(found[replicate], expected, rtol=1e-10, atol=1e-8)
