"""Rows without a prompt as kinds of `method.prompt`: a sweep over all of them, to its end in this process."""

import json
import subprocess
import sys

import pytest

import nemesis_sweep as ns
from nemesis_sweep.report.results import read_results
from nemesis_sweep.spec.baselines import BASELINES
from nemesis_sweep.spec.kinds import ROWS
from nemesis_sweep.training.references.saved import KINDS as SAVED
from tests.trained_home import verb

STUDY = "digits-2shot"
TASKS = "tasks: {dataset: digits, shots: 2, replicates: 2}\n"
SWEEP = f"""
name: rows
{TASKS}
method: {{epochs: 1, views: 2, n_ctx: 2}}
space:
  prompt:
    choices:
      coop: {{}}
      linear_probe: {{}}
      lp_plus_plus: {{}}
      tip_adapter: {{}}
      tip_adapter_f: {{}}
      clip_adapter: {{}}
      taskres:
        residual_alpha: {{choices: [0.5, 2.0]}}
search: {{sampler: grid, pruner: none, baselines: [tip_adapter, coop, paper, control]}}
budget: {{trials: 8}}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    (folder / "rows.yaml").write_text(SWEEP, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        answer = verb(patch, "run", folder / "rows.yaml", "--home", folder / "home")
    assert answer.exit_code == 0, answer.output
    (folder / "told").write_text(answer.output, encoding="utf-8")
    return folder / "home"


def test_every_row_that_leaves_something_is_a_kind():
    assert set(ROWS) == set(SAVED)
    assert not set(ROWS) & {"zero_shot"}


def test_all_of_them_complete_and_report_validation(home):
    rows = [row for row in read_results(home) if row.number.isdigit()]
    assert sorted(row.config["prompt"] for row in rows) == sorted(["coop", *ROWS, "taskres"])
    assert all(row.state == "COMPLETE" for row in rows)
    for row in rows:
        names = {"val/accuracy", "val/loss", "test/accuracy", "test/loss"}
        assert names <= set(row.metrics) and all(len(row.replicates[name]) == 2 for name in names)
        assert (row.epochs > 0) == (row.config["prompt"] == "coop")
    (best,) = (row for row in rows if row.best)
    assert best.metrics["val/accuracy"] == max(row.metrics["val/accuracy"] for row in rows)


def test_a_strength_that_is_given_is_taken_and_one_that_is_left_out_is_chosen(home):
    rows = {row.number: row for row in read_results(home)}
    alphas = [
        (row.config["residual_alpha"], row.replicates["taskres/alpha"])
        for row in rows.values()
        if (row.config or {}).get("prompt") == "taskres"
    ]
    assert sorted(alphas) == [(0.5, [0.5, 0.5]), (2.0, [2.0, 2.0])]
    (tip,) = (row for row in rows.values() if (row.config or {}).get("prompt") == "tip_adapter")
    row = rows["tip_adapter"]
    assert row.baseline == "tip_adapter" and not tip.baseline
    for name in ("tip_adapter/alpha", "tip_adapter/beta", "val/accuracy", "test/accuracy"):
        assert tip.replicates[name] == row.replicates[name], name


def test_each_leaves_what_it_learnt(home):
    pictures = [item.content for item in ns.load_dataset("digits").test[:20]]
    kinds = set()
    for folder in (home / "trials" / STUDY).glob("[0-9]*"):
        record = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        kind = record["config"]["prompt"]
        if kind == "coop":
            continue
        reference = ns.load_reference(folder)
        assert reference.kind == kind and record["reference_checksum"]
        assert ns.Classifier(reference).probabilities(pictures).shape == (20, 10)
        assert not (folder / "prompt.json").exists()
        kinds.add(kind)
    assert kinds == set(ROWS)
    copies = {ns.load_reference(file).kind for file in home.glob("mlartifacts/**/reference/reference.json")}
    assert copies == set(ROWS)


def test_the_table_has_the_best_of_each_kind_and_says_what_won(home):
    told = (home.parent / "told").read_text(encoding="utf-8")
    best = next(row for row in read_results(home) if row.best)
    for kind in set(ROWS) - {best.config["prompt"]}:
        assert f"best of {kind} (trial " in told, kind
    assert best.config["prompt"] in ROWS
    assert f"it is {BASELINES[best.config['prompt']].label}, which trains no prompt" in told
    assert BASELINES["control"].label not in told


def test_mlflow_is_told_the_fields_that_have_a_part(home):
    from nemesis_sweep.sweep.logged import applying

    row = next(row for row in read_results(home) if (row.config or {}).get("prompt") == "taskres")
    told = applying("", {**ns.read_method({"prompt": "taskres"}).model_dump(), **row.config})
    assert set(told) == {"prompt", "views", "precision", "residual_alpha", "head_lr"}


def test_it_is_taken_up_again_where_it_was_ended(home, tmp_path, monkeypatch):
    """A second run does nothing again; one whose result is gone is fitted again, to the same."""
    (folder,) = (
        path.parent
        for path in (home / "trials" / STUDY).glob("[0-9]*/result.json")
        if json.loads(path.read_text(encoding="utf-8"))["config"]["prompt"] == "lp_plus_plus"
    )
    before = ns.load_reference(folder)
    answer = verb(monkeypatch, "run", home.parent / "rows.yaml", "--home", home)
    assert answer.exit_code == 0
    after = ns.load_reference(folder)
    assert all((after.tensors[name] == value).all() for name, value in before.tensors.items())


def refused(tmp_path, monkeypatch, text):
    file = tmp_path / "rows.yaml"
    file.write_text(f"name: rows\n{text}", encoding="utf-8")
    answer = verb(monkeypatch, "validate", file)
    assert answer.exit_code == 2, answer.output
    return answer.output


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            TASKS + "method: {prompt: taskres, omega: 1}\n",
            "method.omega: taskres has no omega; found 1.0; allowed: without it, or prompt: coop or",
        ),
        (TASKS + "method: {prompt: taskres, n_ctx: 4}\n", "method.n_ctx: taskres has no n_ctx"),
        (TASKS + "method: {residual_alpha: 1}\n", "coop has no residual_alpha"),
        (TASKS + "method: {prompt: taskres, residual_alpha: 0}\n", "residual_alpha: out of range; found 0"),
        (
            TASKS + "method: {prompt: taskres}\nspace: {lr: {low: 0.1, high: 1}}\n",
            'searching lr can change nothing, as no prompt is trained; found prompt: "taskres"; allowed:',
        ),
        (
            TASKS + "space: {prompt: {choices: {coop: {}, taskres: {omega: {low: 0.1, high: 1}}}}}\n",
            "searching omega can change nothing, as no prompt is trained",
        ),
        (
            TASKS.replace("}", ", protocol: base_to_new}") + "space: {prompt: {choices: [coop, taskres]}}\n",
            "taskres cannot be tested on classes that it was not trained on",
        ),
        (
            TASKS + "space: {prompt: {choices: [coop, taskres]}}\n"
            "search: {objective: norm/mean, pruner: none}\n",
            "search.objective: taskres trains no prompt, so it measures no norm/mean",
        ),
        (
            TASKS + "space: {prompt: {choices: [coop, taskres]}}\n"
            "search: {sampler: tpe, constraints: [norm/mean <= 3]}\n",
            "search.constraints.0: taskres trains no prompt, so it measures no norm/mean",
        ),
        (
            TASKS + "method: {prompt: taskres, views: epochs}\n",
            "method.views: taskres has no epochs that could see new views",
        ),
    ],
)
def test_what_a_row_has_no_part_in_is_refused(tmp_path, monkeypatch, text, told):
    assert told in " ".join(refused(tmp_path, monkeypatch, text).split())


def test_one_that_transfers_is_tested_on_other_classes(tmp_path, monkeypatch):
    file = tmp_path / "rows.yaml"
    tasks = TASKS.replace("}", ", protocol: base_to_new}")
    text = tasks + "method: {prompt: clip_adapter, views: 1}\nspace: {adapter_ratio: {choices: [0.2, 0.8]}}\n"
    text += "search: {sampler: grid, pruner: none, baselines: []}\nbudget: {trials: 2}\n"
    file.write_text(f"name: rows\n{text}", encoding="utf-8")
    answer = verb(monkeypatch, "run", file, "--home", tmp_path / "home")
    assert answer.exit_code == 0, answer.output
    rows = read_results(tmp_path / "home")
    assert sorted(round(row.metrics["clip_adapter/ratio"], 6) for row in rows) == [0.2, 0.8]
    for row in rows:
        assert {"test/base", "test/new", "test/H"} <= set(row.metrics)


def test_a_joint_study_fits_one_for_every_task(tmp_path, monkeypatch):
    file = tmp_path / "rows.yaml"
    text = TASKS.replace("digits", "[digits, emoji]") + "method: {prompt: tip_adapter, views: 1}\n"
    text += "space: {cache_alpha: {choices: [1.0, 4.0]}}\n"
    text += "search: {study: joint, sampler: grid, baselines: [coop]}\nbudget: {trials: 2}\n"
    file.write_text(f"name: rows\n{text}", encoding="utf-8")
    answer = verb(monkeypatch, "run", file, "--home", tmp_path / "home", "--set", "method.views=1")
    assert answer.exit_code == 0, answer.output
    for task, classes in (("digits-2shot", 10), ("emoji-2shot", 30)):
        folder = tmp_path / "home" / "trials" / "joint" / "0" / task
        assert len(ns.load_reference(folder).classnames) == classes


def test_it_is_simulated_and_planned(tmp_path, monkeypatch):
    file = tmp_path / "rows.yaml"
    file.write_text(SWEEP, encoding="utf-8")
    answer = verb(monkeypatch, "run", file, "--simulate", "--home", tmp_path / "home")
    assert answer.exit_code == 0, answer.output
    assert "best of taskres" in answer.output or "taskres" in answer.output
    answer = verb(monkeypatch, "plan", file, "--probe")
    assert answer.exit_code == 0, answer.output
    assert "digits-2shot" in answer.output


def test_where_no_trial_trains_a_prompt_the_baselines_are_those_that_do(tmp_path, monkeypatch):
    """Neither the paper's setting nor a control stands beside a row; plain CoOp does."""
    file = tmp_path / "rows.yaml"
    text = TASKS + "method: {prompt: taskres, views: 1}\nspace: {residual_alpha: {low: 0.1, high: 9}}\n"
    file.write_text(f"name: rows\n{text}budget: {{trials: 3}}\n", encoding="utf-8")
    answer = verb(monkeypatch, "plan", file)
    assert answer.exit_code == 0, answer.output
    assert (
        "baselines beside them: zero_shot, coop\n3 trials and 2 baselines in all, 2 prompts" in answer.output
    )
    assert "50" not in answer.output.partition("baselines")[0]


RAY = """
name: rays
tasks: {dataset: digits, shots: 4, replicates: 2}
method: {views: 1, epochs: 2}
space:
  prompt:
    choices:
      coop: {}
      taskres: {residual_alpha: {choices: [10.0]}}
search: {sampler: grid, pruner: hyperband, baselines: [zero_shot, coop]}
budget: {trials: 2}
"""


@pytest.mark.cluster
def test_a_sweep_of_a_row_and_a_prompt_runs_on_ray(tmp_path):
    (tmp_path / "rays.yaml").write_text(RAY, encoding="utf-8")
    line = [sys.executable, "-m", "nemesis_sweep", "run", "rays.yaml", "--home", str(tmp_path / "home")]
    answer = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert answer.returncode == 0, answer.stderr
    rows = {row.config["prompt"]: row for row in read_results(tmp_path / "home") if row.number.isdigit()}
    assert set(rows) == {"coop", "taskres"} and {row.state for row in rows.values()} == {"COMPLETE"}
    assert rows["taskres"].replicates["taskres/alpha"] == [10.0, 10.0]
    assert "best found" in answer.stdout and "trains no prompt" in answer.stdout
    (folder,) = (tmp_path / "home" / "trials" / "digits-4shot").glob(rows["taskres"].number)
    assert ns.load_reference(folder).kind == "taskres"
