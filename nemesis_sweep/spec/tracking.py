"""The `tracking` section: where MLflow keeps what people look at."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from nemesis_sweep.spec.fields import Section, Text


def _uri(text: str) -> str:
    # A bare path would be MLflow's folder store, which current versions refuse.
    if ":" not in text and text != "databricks":
        context = {"allowed": "a URI such as http://host:5000 or sqlite:////absolute/mlflow.db"}
        raise PydanticCustomError("uri", "not a tracking URI", context)
    return text


class Tracking(Section):
    """mlflow: URI of the tracking server, by default SQLite in the sweep's home.
    experiment: name of the MLflow experiment, by default the name of the sweep.
    """

    mlflow: Annotated[Text, AfterValidator(_uri)] | None = None
    experiment: Text | None = None
