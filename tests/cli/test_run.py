"""`nemesis-sweep run` as a user runs it: real processes, then Optuna, MLflow and Parquet read back."""

import json
import os
import signal
from pathlib import Path

import pytest

from nemesis_sweep.report.results import read_results
from tests.cli.real_sweep import (
    BASELINES,
    STUDY,
    assert_consistent,
    controls_of,
    in_the_middle_of,
    mlflow_runs,
    optuna_trials,
    results_of,
    run,
    start,
    stop,
    verb,
    wait_for,
    workers_of,
)

pytestmark = pytest.mark.cluster


def test_optuna_mlflow_and_parquet_agree(finished):
    assert_consistent(finished / "home", trials=3)


def test_the_images_of_the_episodes_are_recorded_in_the_home_and_in_mlflow(finished):
    from mlflow import MlflowClient

    written = (finished / "home" / "episodes" / f"{STUDY}.json").read_text()
    record = json.loads(written)
    assert list(record["episodes"]) == ["1", "2"]
    assert [len(record["episodes"]["1"][split]) for split in ("train", "val")] == [10, 10]
    assert record["split"] == "shipped"
    parents, _ = mlflow_runs(finished / "home")
    client = MlflowClient(f"sqlite:///{finished / 'home' / 'mlflow.db'}")
    artifact = client.download_artifacts(parents[0].info.run_id, f"episodes/{STUDY}.json")
    assert Path(artifact).read_text() == written


def test_one_process_trained_all_trials(finished):
    """Trials one after the other reuse the same worker, so torch is imported once.

    Baselines without a prompt are measured while Ray starts, by a process of their own.
    """
    results = {
        path: json.loads(path.read_text()) for path in (finished / "home").glob("trials/*/*/result.json")
    }
    assert len(results) == 6 + len(controls_of(optuna_trials(finished / "home")))
    trained = [result for path, result in results.items() if list(path.parent.glob("prompt*"))]
    assert len(trained) > 3
    assert len({result["worker"] for result in trained}) == 1


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--set", "resources.gpus=1"], "--set resources.gpus=1: resources.gpus: more GPUs than there are"),
        (["--home", "/proc/nowhere"], "--home: the sweep's home cannot be written"),
        (["--set", "tasks.dataset=dtd"], "short.yaml:3: tasks.root: DTD is not there"),
        (["--set", "space.omega.low=1e6"], "--set space.omega.low=1e6: space.omega.low: low is above high"),
    ],
)
def test_what_cannot_be_run_is_one_clear_error(finished, tmp_path, more, told):
    answer = run(finished / "short.yaml", tmp_path / "home", *more)
    assert answer.returncode == 2
    assert told in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_sweep_that_trained_no_prompt_ends_with_exit_code_1(finished, tmp_path):
    """Zero-shot was measured and is in the results; what the sweep is for was not reached."""
    home = tmp_path / "home"
    answer = run(finished / "short.yaml", home, "--trials", "0", "--set", "search.baselines=[zero_shot]")
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1] == f"error: no trial that trains a prompt completed in: {STUDY}"
    assert "Traceback" not in answer.stderr
    assert [row.baseline for row in read_results(home)] == ["zero_shot"]
    parents, _ = mlflow_runs(home)
    assert [parent.info.status for parent in parents] == ["FAILED"]


def test_a_prompt_can_be_used_again(finished):
    """The kept context gives the recorded test accuracy."""
    from nemesis_sweep.data.registry import load_dataset
    from nemesis_sweep.prompts.artifact import load_prompt
    from nemesis_sweep.prompts.text_classifier import TextClassifier
    from nemesis_sweep.training.episode_features import episode_features
    from nemesis_sweep.training.evaluation import evaluate
    from nemesis_sweep.vlm.load_backbone import load_backbone
    from nemesis_sweep.vlm.text import encode_text

    folder = finished / "home" / "trials" / STUDY / "1"
    prompt, result = load_prompt(folder), json.loads((folder / "result.json").read_text())
    backbone = load_backbone(prompt.backbone)
    assert backbone.fingerprint == prompt.fingerprint
    features = episode_features(load_dataset("digits"), backbone, 1, prompt.seeds, 1)
    layout = backbone.layout(prompt.classnames, prompt.context.shape[1], prompt.class_position)
    texts = encode_text(backbone.text, layout, prompt.context)
    accuracy, _ = evaluate(features.test, features.test_labels, TextClassifier(backbone, texts))
    assert accuracy.tolist() == pytest.approx(result["replicates"]["test/accuracy"])


def test_the_same_command_again_repeats_nothing_and_more_trials_continue(finished):
    home = finished / "home"
    before = {path: path.stat().st_mtime_ns for path in home.glob("trials/*/*/result.json")}
    again = run(finished / "short.yaml", home)
    assert again.returncode == 0, again.stderr
    assert {path: path.stat().st_mtime_ns for path in before} == before
    refused = run(finished / "short.yaml", home, "--trials", "4")
    assert refused.returncode == 2
    assert "budget.trials: 3 -> 4" in refused.stderr
    more = run(finished / "short.yaml", home, "--trials", "4", "--extend")
    assert more.returncode == 0, more.stderr
    assert_consistent(home, trials=4)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_another_sweep_in_the_same_home_is_refused(finished):
    answer = run(finished / "short.yaml", finished / "home", "--set", "method.epochs=7")
    assert answer.returncode == 2
    assert "method.epochs: 30 -> 7" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_run_that_is_struck_down_goes_on_as_if_nothing_had_happened(finished, tmp_path):
    """Stopped in trial 0, its worker killed in trial 1, its driver killed in trial 2: the trials of the
    undisturbed run come out, each once, under their own numbers."""
    file, home = finished / "short.yaml", tmp_path / "home"
    driver = start(file, home)
    wait_for(in_the_middle_of(home, "0"))
    stop(driver, home)
    assert not (home / "trials" / STUDY / "1").exists()
    kept = results_of(home)

    driver = start(file, home)
    wait_for(in_the_middle_of(home, "1"))
    killed = workers_of(driver.pid)
    assert len(killed) == 1
    os.kill(killed[0], signal.SIGKILL)
    wait_for(in_the_middle_of(home, "2"))
    driver.kill()
    driver.communicate(timeout=60)
    result = json.loads((home / "trials" / STUDY / "1" / "result.json").read_text())
    assert not result["worker"].endswith(f":{killed[0]}")
    kept |= results_of(home)
    assert len(kept) == len(BASELINES) + 2

    answer = run(file, home)
    assert answer.returncode == 0, answer.stderr
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert_consistent(home, trials=3)
    status = json.loads(verb("status", str(home), "--json").stdout)
    assert status["driver"] is None
    assert (status["studies"][0]["complete"], status["studies"][0]["running"]) == (
        6 + len(controls_of(optuna_trials(home))),
        0,
    )
    undisturbed = optuna_trials(finished / "home")
    assert {name: undisturbed[name] for name in optuna_trials(home)} == optuna_trials(home)
