"""The model that `mlflow models serve` runs: MLflow copies this file into the model's folder, and runs it.

Code that is no object in a pickle: what it needs of the prompt are its files, beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nemesis_sweep.tracking.client  # noqa: F401  (it keeps MLflow quiet)

import pandas as pd  # isort: skip
from mlflow.exceptions import MlflowException  # isort: skip
from mlflow.models import set_model  # isort: skip
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE  # isort: skip
from mlflow.pyfunc import PythonModel  # isort: skip

IMAGE, TOP = "image", "top"
"""The column of the input, and the parameter that says how many classes are told."""


class ImageModel(PythonModel):
    """Class names for the images in the column ``image``, each the bytes of a file; in JSON base64 of them.

    A row of the answer has the likeliest ``class``, its ``probability``, and ``probabilities`` of the ``top``
    classes by name, the best first.
    """

    def load_context(self, context: Any) -> None:
        """Load the prompt and the backbone that it was learnt on."""
        from nemesis_sweep.training.classifier import Classifier
        from nemesis_sweep.training.learnt import load_learnt

        chosen = context.model_config
        learnt = load_learnt(Path(context.artifacts["learnt"]))
        self.classifier = Classifier(learnt, classnames=chosen["classnames"], seed=chosen["seed"])

    # MLflow reads these types: with another one it would check the input by it.
    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Rows of dictionaries for a frame of images. Raises ``MlflowException`` for what is no image."""
        from nemesis_sweep.messages.errors import UserError

        images = [bytes(image) for image in model_input[IMAGE]]
        top = int((params or {}).get(TOP) or len(self.classifier.classnames))
        if top < 0:
            message = f"{TOP}: not a number of classes; found {top}; allowed: a whole number, 0 for all"
            raise MlflowException(message, error_code=INVALID_PARAMETER_VALUE)
        try:
            found = self.classifier.predict(images, top=top)
        except UserError as error:
            raise MlflowException(str(error), error_code=INVALID_PARAMETER_VALUE) from error
        return [
            {"class": classes[0][0], "probability": classes[0][1], "probabilities": dict(classes)}
            for classes in found
        ]


set_model(ImageModel())
