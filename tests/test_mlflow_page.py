"""docs/mlflow.md: its command, its filters and its example, on one finished sweep; its pictures are small."""

import re
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from nemesis_sweep.files.parquet import read_table
from tests.trained_home import SWEEP, make_home, verb

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "mlflow.md").read_text(encoding="utf-8")
((_, COMMAND), (_, EXAMPLE)) = re.findall(
    r"^```(sh|python)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE
)
FILTERS = re.findall(r"^\| `+((?:tags|params)\..*?)`+ \|", PAGE, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("page")
        patch.setenv("NEMESIS_SWEEP_CACHE", str(folder / "features"))
        patch.setenv("NEMESIS_SWEEP_REPORT", "1")
        return make_home(folder, patch, SWEEP.replace("name: made", "name: pan"))


def test_the_command_prints_links_to_views_that_the_experiment_has(home, monkeypatch):
    words = shlex.split(COMMAND.replace("sweeps/pan", str(home)))
    answer = verb(monkeypatch, *words[1:])
    assert answer.exit_code == 0, answer.output
    keys = set(re.findall(r"viewStateShareKey=([\w-]+)", answer.output))
    with closing(sqlite3.connect(home / "mlflow.db")) as connection:
        tags = {key for (key,) in connection.execute("SELECT key FROM experiment_tags")}
    assert len(keys) == 2  # All trials, and the best: there is one task.
    assert {f"mlflow.sharedViewState.{key}" for key in keys} <= tags


def test_the_example_names_the_best_and_both_datasets(home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    exec(compile(EXAMPLE, "docs/mlflow.md", "exec"), {})
    name, *metrics = capsys.readouterr().out.splitlines()
    assert name.startswith("val ")
    assert {line.rpartition(" ")[0] for line in metrics} == {
        "digits-1shot digits-1shot validation val/accuracy",
        "digits-1shot digits-1shot validation val/loss",
        "digits-1shot digits-1shot test test/accuracy",
    }


@pytest.mark.parametrize("text", FILTERS)
def test_every_filter_is_understood(home, text):
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("pan").experiment_id
    found = client.search_runs([experiment], text.replace("digits-4shot", "digits-1shot"))
    nothing = "PRUNED" in text or "params.beta" in text  # Nothing is pruned there, and beta is not searched.
    assert bool(found) != nothing


def test_the_sweeps_run_has_the_leaderboard_the_report_and_its_pictures(home):
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("pan").experiment_id
    (run,) = client.search_runs([experiment], "tags.`nemesis.sweep` = 'pan'")
    note = run.data.tags["mlflow.note.content"]
    assert "| digits-1shot | zero-shot | zero_shot |" in note
    artifacts = {each.path for each in client.list_artifacts(run.info.run_id, "report/figures")}
    shown = re.findall(r"get-artifact\?path=([^&]+)&run_uuid=(\w+)", note)
    assert shown
    for path, whose in shown:
        assert path.replace("%2F", "/") in artifacts
        assert whose == run.info.run_id
    assert "report/report.html" in {each.path for each in client.list_artifacts(run.info.run_id, "report")}


def test_the_best_trial_has_its_norms_and_its_accuracy_per_class(home, tmp_path):
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("pan").experiment_id
    (run,) = client.search_runs([experiment], "tags.best = 'yes'")
    names = {each.path for each in client.list_artifacts(run.info.run_id, "records")}
    assert names == {"records/norms.parquet", "records/per_class.parquet", "records/trial.png"}
    norms, classes = (
        read_table(Path(client.download_artifacts(run.info.run_id, f"records/{name}.parquet", str(tmp_path))))
        for name in ("norms", "per_class")
    )
    history = client.get_metric_history(run.info.run_id, "norm/mean")
    assert norms.to_pydict() == {"epoch": [1, 2], "norm": [each.value for each in history]}
    # Weighted by their images the classes' accuracies are the trial's.
    rows = classes.to_pylist()
    right = sum(row["accuracy"] * row["images"] for row in rows) / sum(row["images"] for row in rows)
    assert right == pytest.approx(run.data.metrics["test/accuracy"])


def test_its_pictures_are_there_and_small():
    for name in re.findall(r"\]\((pictures/[^)]+)\)", PAGE):
        assert 0 < (ROOT / "docs" / name).stat().st_size < 150_000
