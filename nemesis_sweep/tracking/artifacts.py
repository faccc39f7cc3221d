"""Files that become artifacts: copied where MLflow keeps them in a folder of this machine, else sent."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from mlflow import MlflowClient

SERVED = "mlflow-artifacts:"
"""How a URI begins whose files the tracking server itself takes."""


def put_artifact(client: MlflowClient, run_id: str, root: str, file: Path, place: str | None = None) -> None:
    """Make a file an artifact of a run, as ``client.log_artifact`` does, which asks for the run first.

    Raises whatever MLflow raises, and ``OSError``.

    root: where the run's artifacts are, as MLflow said; '' where that is not known. place: folder below it.
    """
    if (folder := folder_of(root)) is not None:
        folder = folder / (place or "")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, folder / file.name)
    elif root.startswith(SERVED):
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        get_artifact_repository(root, tracking_uri=client.tracking_uri).log_artifact(str(file), place)
    else:
        client.log_artifact(run_id, str(file), place)


def folder_of(root: str) -> Path | None:
    """The folder of this machine that a URI of artifacts names; None where it names none."""
    parts = urlsplit(root)
    if parts.scheme != "file" or parts.netloc or parts.query or parts.fragment:
        return None
    return Path(unquote(parts.path))
