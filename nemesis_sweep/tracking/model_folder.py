"""A prompt as a model of MLflow's: a folder that `mlflow models serve` serves."""

from __future__ import annotations

import io
import warnings
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nemesis_sweep.tracking.client  # noqa: F401  (it keeps MLflow quiet)
from nemesis_sweep.files.own_folder import refuse_foreign
from nemesis_sweep.files.replaced_folder import replacing_folder
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.only_errors import only_errors
from nemesis_sweep.prompts.artifact import Prompt, save_prompt
from nemesis_sweep.spec.prompts import PROMPTS
from nemesis_sweep.training.classifier import Classifier, Learnt
from nemesis_sweep.training.references.saved import save_reference

CODE = Path(__file__).with_name("served_model.py")
WRITTEN = frozenset(
    {
        *("MLmodel", "artifacts", CODE.name, "conda.yaml", "python_env.yaml", "requirements.txt"),
        *("input_example.json", "serving_input_example.json"),
        "__pycache__",
    }
)
"""What MLflow writes into the folder of such a model, and Python once the model was loaded or served."""
NEEDED = ("torch", "open_clip_torch", "mlflow")
"""Packages that decide what the model computes, beside this one."""


def save_model(learnt: Learnt, classifier: Classifier, folder: Path, about: str = "") -> None:
    """Write a model of MLflow's into a folder, which it becomes: code as a file, the prompt's own two files,
    signature and an example. Nothing in it is a pickle.

    learnt: what the classifier was made of. The backbone is not in the folder; it is loaded by its name.

    Raises ``UserError`` for a folder with something else in it, and for a kind of prompt from outside, whose
    code is not in this package.
    """
    import mlflow.pyfunc

    if isinstance(learnt, Prompt) and learnt.kind not in PROMPTS:
        message = "a kind of prompt from outside needs its own code, which the model would lack"
        raise UserError(Problem(message, "--format", found=learnt.kind, allowed="a kind of this package"))
    refuse_foreign(folder, "--to", WRITTEN)
    every = classifier.seeds == tuple(learnt.seeds)
    with (
        TemporaryDirectory() as scratch,
        replacing_folder(folder) as partial,
        warnings.catch_warnings(),
        only_errors("mlflow"),
    ):
        warnings.simplefilter("ignore")
        place = Path(scratch) / "learnt"
        if isinstance(learnt, Prompt):
            save_prompt(place, learnt)
        else:
            save_reference(place, learnt)
        mlflow.pyfunc.save_model(
            path=str(partial),
            python_model=str(CODE),
            artifacts={"learnt": str(place)},
            model_config={
                "classnames": list(classifier.classnames),
                "seed": None if every else classifier.seeds[0],
            },
            signature=_signature(),
            input_example=_example(classifier.backbone.preprocess.image_size),
            pip_requirements=_requirements(),
            metadata={"source": about, "backbone": learnt.backbone, "fingerprint": learnt.fingerprint},
        )


def _signature() -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import Map

    return ModelSignature(
        inputs=Schema([ColSpec(DataType.binary, "image")]),
        outputs=Schema(
            [
                ColSpec(DataType.string, "class"),
                ColSpec(DataType.double, "probability"),
                ColSpec(Map(DataType.double), "probabilities"),
            ]
        ),
        params=ParamSchema([ParamSpec("top", DataType.long, 5)]),
    )


def _example(size: int) -> Any:
    """A frame with one grey image."""
    import pandas as pd
    from PIL import Image

    content = io.BytesIO()
    Image.new("RGB", (size, size), (128, 128, 128)).save(content, "PNG")
    return pd.DataFrame({"image": [content.getvalue()]})


def _requirements() -> list[str]:
    # Without the local part of a version (+cpu), which no index has.
    versions = {name: metadata.version(name).partition("+")[0] for name in ("nemesis-sweep", *NEEDED)}
    return [f"{name}=={version}" for name, version in versions.items()]
