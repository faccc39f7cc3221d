"""Views of a sweep in MLflow's own form: columns, order and charts chosen, each behind a link.

MLflow keeps what its button "Share" shares as a tag of the experiment, `mlflow.sharedViewState.KEY`, whose
value is JSON, deflated, in base64; a link opens it with `viewStateShareKey=KEY`. A sweep can bring its own.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote, urlencode

from nemesis_sweep.spec.values import Values

TAG = "mlflow.sharedViewState."
NAME_COLUMN = "attributes.`Run Name`"
NAME_WIDTH = 340
"""Pixels: a name of four parameters and a score."""
SECTION = "search"
CARDS, HEIGHT = 2, 320
"""Charts in a row, and their height in pixels."""
BEST_TAG = "best"
"""Of the best trial of a study: `yes`."""


@dataclass(frozen=True)
class View:
    """The trials of a sweep, of one of its studies, or the best of each.

    key: of its link, among those of the sweep. title: for people. study: '' for all. best: only the best.
    objective: what the runs are sorted by, the highest first where ``maximize``. params, metrics: columns.
    axes: the parameters of the parallel coordinates, from which MLflow leaves out what lacks one of them.
    """

    key: str
    title: str
    objective: str
    maximize: bool
    params: Sequence[str]
    metrics: Sequence[str]
    axes: Sequence[str]
    study: str = ""
    best: bool = False

    def to_plain(self) -> dict[str, Any]:
        """A dictionary of plain values."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Values) -> View:
        """What :meth:`to_plain` made."""
        return cls(**plain)


def share_key(view: View, parent_run_id: str) -> str:
    """The key of a view's link; several sweeps may share an experiment."""
    return f"{parent_run_id[:12]}-{view.key}"


def view_page(view: View, experiment_id: str, parent_run_id: str) -> str:
    """The part of MLflow's address that opens a view with its charts."""
    shown = {
        "workflowType": "machine_learning",
        "viewStateShareKey": share_key(view, parent_run_id),
        "compareRunsMode": "CHART",
    }
    return f"/#/experiments/{experiment_id}/runs?{urlencode(shown, quote_via=quote)}"


def shared_state(view: View, parent_run_id: str) -> str:
    """The value of the tag that keeps a view."""
    text = json.dumps(_state(view, parent_run_id), separators=(",", ":"))
    return "deflate;" + base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _state(view: View, parent_run_id: str) -> dict[str, Any]:
    wanted = {"mlflow.parentRunId": parent_run_id}
    if view.study:
        wanted["nemesis.study"] = view.study
    if view.best:
        wanted[BEST_TAG] = "yes"
    columns = [f"params.`{name}`" for name in view.params]
    columns += [f"metrics.`{name}`" for name in view.metrics]
    return {
        "searchFilter": " and ".join(f"tags.`{key}` = '{value}'" for key, value in wanted.items()),
        "orderByKey": f"metrics.`{view.objective}`",
        "orderByAsc": not view.maximize,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": [*columns, "tags.`state`"],
        "columnOrder": [NAME_COLUMN],
        "columnWidths": {NAME_COLUMN: NAME_WIDTH},
        "runsHiddenMode": "SHOW_ALL",
        "isAccordionReordered": True,
        "compareRunSections": [
            {
                "uuid": SECTION, "name": view.title, "display": True, "isReordered": False,
                "deleted": False, "isGenerated": False, "columns": CARDS, "cardHeight": HEIGHT,
            }
        ],
        "compareRunCharts": _charts(view),
    }  # fmt: skip


def _charts(view: View) -> list[dict[str, Any]]:
    """Parallel coordinates over what was searched, each parameter against the objective, the curves."""
    axes, metrics = list(view.axes), [view.objective]
    charts: list[dict[str, Any]] = [
        {"type": "PARALLEL", "selectedParams": axes, "selectedMetrics": metrics, "showAllRuns": True}
    ]
    if view.best:
        charts = [{"type": "BAR", "metricKey": name} for name in view.metrics] + charts
    else:
        charts += [
            {
                "type": "SCATTER",
                "xaxis": {"key": name, "type": "PARAM"},
                "yaxis": {"key": view.objective, "type": "METRIC"},
            }
            for name in view.params
            if f"log10_{name}" not in view.params
        ]
    line = {"type": "LINE", "metricKey": view.objective, "selectedMetricKeys": metrics, "range": {}}
    charts.insert(len(charts) if view.best else 1, line)
    usual = {
        "metricSectionId": SECTION, "deleted": False, "isGenerated": False, "runsCountToCompare": 100,
    }  # fmt: skip
    return [{**usual, "uuid": f"{view.key}-{number}", **chart} for number, chart in enumerate(charts)]
