"""A prompt as the matrix of text features that it gives its classes: all that plain open_clip needs of it."""

from __future__ import annotations

from pathlib import Path

import torch

from nemesis_sweep.files.own_folder import refuse_foreign
from nemesis_sweep.files.replaced_folder import replacing_folder
from nemesis_sweep.files.tensors_and_facts import TensorsAndFacts
from nemesis_sweep.training.classifier import Classifier

FILES = TensorsAndFacts("text_features")


def export_text_features(classifier: Classifier, folder: Path, about: str = "") -> None:
    """Write `text_features.safetensors` and `text_features.json` into a folder, which they become.

    The tensors are ``text_features`` ``(C, E)``, L2-normalised, fp32; ``logit_scale``, the factor on
    cosines, already exponentiated; and ``logit_bias`` where the backbone has one. The facts name the classes
    in their order, the backbone, and the seed. about: where the prompt came from, for a person.

    Raises ``UserError`` for a classifier of several replicates, whose averaged probabilities no matrix gives,
    for one whose text features depend on the image, and for a folder with something else in it.
    """
    refuse_foreign(folder, "--to", FILES.files)
    backbone = classifier.backbone
    tensors = {
        "text_features": classifier.text_features.float().cpu().contiguous(),
        "logit_scale": torch.tensor(backbone.logit_scale),
    }
    if backbone.logit_bias is not None:
        tensors["logit_bias"] = torch.tensor(backbone.logit_bias)
    facts = {
        "classnames": list(classifier.classnames),
        "backbone": backbone.name,
        "fingerprint": backbone.fingerprint,
        "precision": classifier.precision,
        "seed": classifier.seeds[0],
        "source": about,
    }
    with replacing_folder(folder) as partial:
        FILES.write(partial, tensors, facts)
