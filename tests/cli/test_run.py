"""`nemesis-sweep run` as a user runs it: real processes, then Optuna, MLflow and Parquet read back."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from nemesis_sweep.report.results import read_results
from nemesis_sweep.sweep.cluster.processes import below

SWEEP = """
name: short
tasks: {backbone: icon-clip, dataset: digits, shots: 1, replicates: 2}
method: {beta: 0, epochs: 60, views: 1}
space:
  omega: {low: 0.1, high: 100, log: true}
  n_ctx: {choices: [4, 8]}
search: {eval_every: 2, pruner: none}
budget: {trials: 3}
resources: {cpus: 1, concurrent: 1}
"""
# Trials are long enough to be struck in the middle of one.
STUDY = "digits-1shot"
BASELINES = {"zero_shot", "coop", "paper"}

pytestmark = pytest.mark.cluster


def command(file: Path, home: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "nemesis_sweep", "run", str(file), "--home", str(home), *more]


def run(file: Path, home: Path, *more: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(file, home, *more), capture_output=True, text=True, timeout=300, check=False
    )


def optuna_trials(home: Path) -> dict[str, dict]:
    """Every trial of every study: name -> state, value, params."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(str(home / "optuna.journal")))
    found = {}
    for summary in optuna.get_all_study_summaries(storage):
        study = optuna.load_study(study_name=summary.study_name, storage=storage)
        for trial in study.trials:
            beside = summary.study_name.endswith("/baselines")
            number = trial.user_attrs["baseline"] if beside else str(trial.number)
            key = f"{summary.study_name.removesuffix('/baselines')}/{number}"
            assert key not in found
            reason = trial.user_attrs.get("reason", "")
            found[key] = {
                "state": trial.state.name,
                "value": trial.value,
                "params": trial.params,
                "reason": reason,
            }
    return found


def mlflow_runs(home: Path) -> tuple[list, list]:
    """The sweep's own runs and the trials' runs."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = client.search_runs(experiments, max_results=1000)
    return (
        [r for r in runs if "nemesis.trial" not in r.data.tags],
        [r for r in runs if "nemesis.trial" in r.data.tags],
    )


def controls_of(names: Iterable[str]) -> set[str]:
    """Trials that a best one got when all others were over; none where plain CoOp is the best."""
    return {name for name in names if "/control-of-" in name}


def assert_consistent(home: Path, trials: int) -> None:
    """Optuna, MLflow, Parquet and the trials' folders tell the same story, each trial once."""
    told = optuna_trials(home)
    assert set(told) - controls_of(told) == {f"{STUDY}/{n}" for n in (*BASELINES, *map(str, range(trials)))}
    assert [trial for trial in told.values() if trial["state"] != "COMPLETE"] == []
    rows = {f"{row.study}/{row.number}": row for row in read_results(home)}
    assert set(rows) == set(told)
    parents, children = mlflow_runs(home)
    assert [parent.info.status for parent in parents] == ["FINISHED"]
    recorded = {child.data.tags["nemesis.trial"]: child for child in children}
    assert len(children) == len(recorded)
    assert set(recorded) == set(told)
    for name, trial in told.items():
        row, child = rows[name], recorded[name]
        assert row.metrics["val/accuracy"] == pytest.approx(trial["value"])
        assert child.data.metrics["val/accuracy"] == pytest.approx(trial["value"])
        assert child.data.metrics["test/accuracy"] == pytest.approx(row.metrics["test/accuracy"])
        assert child.info.status == "FINISHED"
        assert child.data.tags["mlflow.parentRunId"] == parents[0].info.run_id
        assert row.params == trial["params"]
        folder = home / "trials" / name
        assert json.loads((folder / "result.json").read_text())["metrics"] == row.metrics
        assert (folder / "prompt.safetensors").exists() == (row.baseline != "zero_shot")


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
    from nemesis_sweep.vlm.backbone import load_backbone
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
    assert "method.epochs: 60 -> 7" in answer.stderr
    assert "Traceback" not in answer.stderr


def wait_for(condition, seconds: float = 180.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def verb(*words: str) -> subprocess.CompletedProcess:
    line = [sys.executable, "-m", "nemesis_sweep", *words]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)


def workers_of(command: int) -> list[int]:
    """Processes below a command in which Ray runs a trial."""
    return [process.pid for process in below(command) if "Trainable" in process.title]


def drivers_of(command: int) -> list[int]:
    """The process below a command that does its work, as `status` and `stop` know it."""
    return [process.pid for process, above in below(command).items() if above == command and process.lives]


def start(file: Path, home: Path) -> subprocess.Popen:
    return subprocess.Popen(command(file, home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def results_of(home: Path) -> dict[Path, int]:
    """Every result with the time it was written."""
    return {path: path.stat().st_mtime_ns for path in home.glob("trials/*/*/result.json")}


def in_the_middle_of(home: Path, number: str) -> Callable[[], bool]:
    folder = home / "trials" / STUDY / number
    return lambda: bool(list(folder.glob("checkpoint/*.safetensors")))


def stop(driver: subprocess.Popen, home: Path) -> None:
    """`stop`, as Ctrl-C once: running trials are put off, and the screen says how to go on."""
    status = json.loads(verb("status", str(home), "--json").stdout)
    assert [status["driver"]] == drivers_of(driver.pid)
    (study,) = status["studies"]
    assert (study["task"], study["complete"], study["running"]) == (STUDY, 3, 1)
    assert verb("stop", str(home)).returncode == 0
    _, stderr = driver.communicate(timeout=60)
    assert driver.returncode == 130
    assert "continue with" in stderr
    assert {row.number: row.state for row in read_results(home)} == dict.fromkeys(BASELINES, "COMPLETE")


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
