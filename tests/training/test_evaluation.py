"""What evaluation gives beside accuracy and loss: the predicted classes, whatever is taken at a time."""

import pytest
import torch

from nemesis_sweep.prompts.learner import ImageClassifier
from nemesis_sweep.training.evaluation import evaluate


class Linear(ImageClassifier):
    """Logits of three replicates, five images at a time."""

    replicates, device, image_shape, chunk = 3, torch.device("cpu"), (4,), 5

    def __init__(self):
        self.weight = torch.randn(3, 4, 7, generator=torch.Generator().manual_seed(0))

    def __call__(self, images):
        return images @ self.weight


@pytest.mark.parametrize("shape", [(13,), (3, 13)], ids=["shared", "own"])
def test_the_predicted_classes_are_kept_in_the_order_of_the_images(shape):
    classifier, random = Linear(), torch.Generator().manual_seed(1)
    images = torch.randn(*shape, 4, generator=random)
    labels = torch.randint(7, shape, generator=random)
    kept = []
    accuracy, _ = evaluate(images, labels, classifier, keep=kept.append)
    (classes,) = kept
    assert classes.dtype == torch.int32
    assert torch.equal(classes.long(), classifier(images.expand(3, 13, 4)).argmax(dim=-1))
    assert torch.equal(accuracy, 100 * (classes == labels).double().mean(dim=1))
