"""What a sweep brings into its MLflow experiment: a description with links, and the views behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nemesis_sweep.tracking.runs import NOTE_TAG
from nemesis_sweep.tracking.store import Tracking
from nemesis_sweep.tracking.views import TAG, View, share_key, shared_state, view_page

if TYPE_CHECKING:
    from mlflow import MlflowClient

WRITTEN_TAG = "nemesis.note.of"
"""Of an experiment: the sweep's run that wrote its description. What a person wrote there is left alone."""


def describe(client: MlflowClient, tracking: Tracking, views: Sequence[View], note: str) -> None:
    """Bring the views, and the description with a link to each, unless the experiment has another one.

    Raises whatever MLflow raises.
    """
    experiment = tracking.experiment_id
    tags = client.get_experiment(experiment).tags
    wanted = {TAG + share_key(view, tracking.parent_run_id): _state(view, tracking) for view in views}
    if NOTE_TAG not in tags or tags.get(WRITTEN_TAG) == tracking.parent_run_id:
        wanted |= {NOTE_TAG: note + _links(views, tracking), WRITTEN_TAG: tracking.parent_run_id}
    for key, value in wanted.items():
        if tags.get(key) != value:
            client.set_experiment_tag(experiment, key, value)


def _state(view: View, tracking: Tracking) -> str:
    return shared_state(view, tracking.parent_run_id)


def _links(views: Sequence[View], tracking: Tracking) -> str:
    pages = [(view, view_page(view, tracking.experiment_id, tracking.parent_run_id)) for view in views]
    return "".join(f"\n- [{view.title}]({page.removeprefix('/')})" for view, page in pages)
