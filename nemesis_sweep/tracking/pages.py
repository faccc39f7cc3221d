"""The pages of MLflow that show a sweep: its views, and its best trials side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from nemesis_sweep.tracking.delivery import sent_to
from nemesis_sweep.tracking.store import recorded
from nemesis_sweep.tracking.sweep_run import TRIALS, best_of, offered_views
from nemesis_sweep.tracking.views import view_page

MOST = 12
"""Pages that are told; the description of the experiment has links to all."""


@dataclass(frozen=True)
class Pages:
    """Parts of MLflow's address. first: of all trials, '' while nothing is recorded. others: with titles."""

    first: str = ""
    others: Sequence[tuple[str, str]] = ()


def pages_of(home: Path) -> Pages:
    """The pages of the sweep in a home; of one of an earlier version only that of all its trials."""
    record = recorded(home) or {}
    if "parent_run_id" not in record:
        return Pages()
    experiment, parent = record["experiment_id"], record["parent_run_id"]
    views = offered_views(home)
    if not views:
        return Pages(runs_page(experiment, parent))
    first, *others = [(view.title, view_page(view, experiment, parent)) for view in views]
    best = [run for name in best_of(home) if (run := sent_to(home / TRIALS / name))]
    compared = [("The best trials side by side", compare_page(experiment, best))] if len(best) > 1 else []
    return Pages(first[1], [*compared, *others][:MOST])


def runs_page(experiment_id: str, parent_run_id: str) -> str:
    """The page with all trials of a sweep in one table, the highest validation accuracy first.

    The filter is what makes children visible: without one they are folded away below the sweep's own run.
    """
    shown = {
        "workflowType": "machine_learning",
        "searchFilter": f"tags.`mlflow.parentRunId` = '{parent_run_id}'",
        "orderByKey": "metrics.`val/accuracy`",
        "orderByAsc": "false",
    }
    return f"/#/experiments/{experiment_id}/runs?{urlencode(shown, quote_via=quote)}"


def compare_page(experiment_id: str, run_ids: Sequence[str]) -> str:
    """MLflow's page that compares runs."""
    shown = {"runs": json.dumps(list(run_ids)), "experiments": json.dumps([experiment_id])}
    return f"/#/compare-runs?{urlencode(shown, quote_via=quote)}"
