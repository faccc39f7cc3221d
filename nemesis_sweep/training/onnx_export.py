"""A prompt as one ONNX graph: the image tower, and the text features of its classes as a matrix."""

from __future__ import annotations

import copy
import warnings
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nemesis_sweep.files.own_folder import refuse_foreign
from nemesis_sweep.files.replaced_folder import replacing_folder
from nemesis_sweep.files.sealed import write_sealed
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.messages.only_errors import only_errors
from nemesis_sweep.training.classifier import Classifier
from nemesis_sweep.vlm.image_features import pooled_features
from nemesis_sweep.vlm.image_states import PromptedTower, token_states

GRAPH, FACTS, WEIGHTS = "model.onnx", "model.json", "model.onnx.data"
READ = "turned upright by its EXIF tag, what is transparent on white, then RGB"
"""How a file becomes the picture that is resized, which no size or mean says."""
PACKAGES = ("onnx", "onnxscript", "onnxruntime")
TOLERANCE = 1e-5
"""What probabilities may differ by from torch's, and logits by as a share of the largest."""
BATCHES = (1, 3)
"""Numbers of images on which the graph is compared with torch."""
ONE_FILE = 2**30
"""Bytes of weights up to which they stand in the graph's own file, which cannot be larger than 2 GiB."""


class OneGraph(nn.Module):
    """Pixels ``(n, 3, H, W)``, resized and normalised, to probabilities and logits ``(n, C)``, fp32."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        backbone = classifier.backbone
        # A tower in half precision has rounded weights; what they are computed in is fp32 here.
        self.visual = copy.deepcopy(backbone.visual).float().cpu().eval()
        self.tower: PromptedTower | None = None
        if (prompted := classifier.prompted) is None:
            texts = classifier.text_features
        else:
            texts = prompted.texts[0] if prompted.texts.ndim == 3 else prompted.texts
            self.tower = PromptedTower(self.visual, prompted.tower.last)
            self.register_buffer("vectors", _plain(prompted.vectors))
        self.register_buffer("texts", _plain(texts))
        self.scale, self.bias = backbone.logit_scale, backbone.logit_bias or 0.0

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        if self.tower is None:
            features = pooled_features(self.visual, pixels)
        else:
            vectors: Any = self.vectors
            # For each image: repeated for as many as there are, the number of images would be in the graph.
            own = vectors.expand(pixels.shape[0], *vectors.shape[1:])
            features = self.tower.features(token_states(self.visual, pixels, self.tower.last), own)
        features = F.normalize(features, dim=-1)
        texts: Any = self.texts
        logits = self.scale * (features @ texts.T) + self.bias
        return logits.softmax(dim=-1), logits


def _plain(tensor: Tensor) -> Tensor:
    return tensor.detach().float().cpu().clone()


def export_onnx(classifier: Classifier, folder: Path, about: str = "") -> float:
    """Write `model.onnx` and `model.json` into a folder, which they become; gives the largest difference.

    The graph takes ``pixels (n, 3, H, W)``, fp32, for any n, and gives ``probabilities`` and ``logits``
    ``(n, C)``. The facts name the classes in their order, and how an image becomes pixels. Before anything is
    in its place onnxruntime runs the graph, and what it gives is compared with torch.

    Raises ``UserError`` for a classifier of several replicates, for one whose class features depend on the
    image or are not all that classifies, where a package is missing, for a folder with something else in it,
    and for a graph that differs.
    """
    _refuse_missing()
    refuse_foreign(folder, "--to", (GRAPH, FACTS, WEIGHTS))
    graph = OneGraph(classifier)
    size = classifier.backbone.preprocess.image_size
    with replacing_folder(folder) as partial:
        try:
            _write(graph, size, partial / GRAPH)
            difference = _largest_difference(graph, size, partial / GRAPH)
        except OSError:
            raise
        # What torch cannot trace, or onnxruntime not run, both tell by errors of many kinds.
        except Exception as error:
            raise _untraceable(classifier, error) from error
        if not difference <= TOLERANCE:
            message = "the ONNX graph does not give what torch gives; nothing was written"
            found, allowed = f"a difference of {difference:.2g}", f"at most {TOLERANCE:g}"
            raise UserError(Problem(message, "--format", found=found, allowed=allowed))
        write_sealed(partial / FACTS, _facts(classifier, about, difference))
    return difference


def _untraceable(classifier: Classifier, error: Exception) -> UserError:
    words = " ".join(str(error).split()) or type(error).__name__
    message = "this image tower cannot be written as an ONNX graph; nothing was written"
    found = f"{classifier.backbone.name} ({words[:200]})"
    return UserError(Problem(message, "--format", found=found, allowed="open_clip or mlflow"))


def _refuse_missing() -> None:
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        message = f"--format onnx needs {listed(missing)}, which is not installed"
        allowed = f"pip install 'nemesis-sweep[onnx]', or pip install {' '.join(missing)}"
        raise UserError(Problem(message, allowed=allowed))


def _write(graph: OneGraph, size: int, file: Path) -> None:
    example = torch.zeros(2, 3, size, size)
    weights = sum(each.nbytes for each in graph.state_dict().values())
    with warnings.catch_warnings(), only_errors("torch.onnx", "onnxscript", "onnx_ir"), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            (example,),
            file,
            dynamo=True,
            verbose=False,
            input_names=["pixels"],
            output_names=["probabilities", "logits"],
            dynamic_shapes={"pixels": {0: torch.export.Dim("n", min=1)}},
            external_data=weights > ONE_FILE,
        )


def _largest_difference(graph: OneGraph, size: int, file: Path) -> float:
    """Of probabilities, and of logits as a share of the largest one, between onnxruntime and torch."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    generator = torch.Generator().manual_seed(0)
    found = [0.0]
    for count in BATCHES:
        pixels = torch.randn(count, 3, size, size, generator=generator)
        with torch.no_grad():
            probabilities, logits = (each.numpy() for each in graph(pixels))
        own = session.run(["probabilities", "logits"], {"pixels": pixels.numpy()})
        found.append(float(np.abs(own[0] - probabilities).max()))
        found.append(float(np.abs(own[1] - logits).max() / np.abs(logits).max()))
    # NaN is no small difference.
    return float("nan") if any(map(np.isnan, found)) else max(found)


def _facts(classifier: Classifier, about: str, difference: float) -> dict[str, Any]:
    backbone = classifier.backbone
    preprocess = asdict(backbone.preprocess)
    return {
        "classnames": list(classifier.classnames),
        "input": {"name": "pixels", "shape": ["n", 3, preprocess["image_size"], preprocess["image_size"]]},
        "outputs": ["probabilities", "logits"],
        "preprocess": {**preprocess, "read": READ, "values": "(byte / 255 - mean) / std, channels R, G, B"},
        "backbone": backbone.name,
        "fingerprint": backbone.fingerprint,
        "seed": classifier.seeds[0],
        "source": about,
        "largest_difference_from_torch": difference,
    }
