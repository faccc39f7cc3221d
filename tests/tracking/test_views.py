"""Views of a sweep in MLflow: what its pages read of the tags, and where the links lead."""

import base64
import json
import zlib
from pathlib import Path

from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.delivery import RUN
from nemesis_sweep.tracking.models import Winner
from nemesis_sweep.tracking.pages import pages_of
from nemesis_sweep.tracking.store import Tracking
from nemesis_sweep.tracking.sweep_run import describe_sweep, mark_best, offer_views
from nemesis_sweep.tracking.views import View, share_key
from tests.tracking.shipping import ship
from tests.tracking.test_trial_run import STUDY, children, opened

ALL = View(
    "all", "All trials", "val/accuracy", True, ["omega", "log10_omega"], ["val/accuracy"], ["log10_omega"]
)
BEST = View("best", "The best", "val/accuracy", True, ["omega"], ["val/accuracy"], ["log10_omega"], best=True)


def winner(number: str) -> Winner:
    return Winner(f"{STUDY}/{number}", STUDY, {"omega": 3.5})


def experiment_tags(tracking: Tracking) -> dict[str, str]:
    return dict(connect(tracking.uri).get_experiment(tracking.experiment_id).tags)


def state(tracking: Tracking, view: View) -> dict:
    tag = experiment_tags(tracking)[f"mlflow.sharedViewState.{share_key(view, tracking.parent_run_id)}"]
    return json.loads(zlib.decompress(base64.b64decode(tag.removeprefix("deflate;"))))


def test_a_view_finds_the_trials_that_it_names(home: Path, tracking: Tracking) -> None:
    opened(home, "1").finish("FINISHED", {"val/accuracy": 60.0})
    opened(home, "2").finish("FINISHED", {"val/accuracy": 70.0})
    offer_views(home, [ALL, BEST], "# pan\n")
    mark_best(home, [winner("2")])
    assert len(children(home, tracking)) == 2
    client = connect(tracking.uri)

    def found(view: View) -> list[str]:
        shown = state(tracking, view)
        order = [f"{shown['orderByKey']} {'ASC' if shown['orderByAsc'] else 'DESC'}"]
        runs = client.search_runs([tracking.experiment_id], shown["searchFilter"], order_by=order)
        return [run.data.tags["nemesis.trial"] for run in runs]

    assert found(ALL) == [f"{STUDY}/2", f"{STUDY}/1"]
    assert found(BEST) == [f"{STUDY}/2"]
    mark_best(home, [winner("1")])
    ship(home, tracking)
    assert found(BEST) == [f"{STUDY}/1"]


def test_its_charts_have_the_searched_parameters(home: Path, tracking: Tracking) -> None:
    offer_views(home, [ALL], "")
    ship(home, tracking)
    shown = state(tracking, ALL)
    charts = {chart["type"]: chart for chart in shown["compareRunCharts"]}
    assert charts["PARALLEL"]["selectedParams"] == ["log10_omega"]
    assert charts["SCATTER"]["xaxis"] == {"key": "log10_omega", "type": "PARAM"}
    assert {"params.`omega`", "metrics.`val/accuracy`"} <= set(shown["selectedColumns"])
    assert {chart["metricSectionId"] for chart in charts.values()} == {shown["compareRunSections"][0]["uuid"]}


def test_what_a_person_wrote_about_the_experiment_is_left_alone(home: Path, tracking: Tracking) -> None:
    offer_views(home, [ALL], "# pan\n")
    ship(home, tracking)
    note = experiment_tags(tracking)["mlflow.note.content"]
    assert note.startswith("# pan\n") and "viewStateShareKey=" in note
    client = connect(tracking.uri)
    client.set_experiment_tag(tracking.experiment_id, "nemesis.note.of", "somebody else")
    client.set_experiment_tag(tracking.experiment_id, "mlflow.note.content", "mine")
    offer_views(home, [ALL, BEST], "# pan\n")
    ship(home, tracking)
    assert experiment_tags(tracking)["mlflow.note.content"] == "mine"
    assert state(tracking, BEST)


def test_the_sweep_has_a_description_and_pages(home: Path, tracking: Tracking) -> None:
    for number in ("1", "2"):
        opened(home, number).finish("FINISHED")
    assert "searchFilter" in pages_of(home).first  # Of an earlier version: no views yet.
    offer_views(home, [ALL, BEST], "")
    describe_sweep(home, f"| task | best |\n![x](get-artifact?run_uuid={RUN})")
    mark_best(home, [winner("1"), winner("2")])
    ids = [run.info.run_id for run in children(home, tracking)]
    parent = connect(tracking.uri).get_run(tracking.parent_run_id)
    picture = f"![x](get-artifact?run_uuid={tracking.parent_run_id})"
    assert parent.data.tags["mlflow.note.content"] == f"| task | best |\n{picture}"
    pages = pages_of(home)
    assert f"viewStateShareKey={share_key(ALL, tracking.parent_run_id)}" in pages.first
    titles = [title for title, _ in pages.others]
    assert titles == ["The best trials side by side", "The best"]
    assert all(run in pages.others[0][1] for run in ids)
