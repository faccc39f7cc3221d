"""A trial that runs out of GPU memory goes on with more of a GPU: real Ray, real trials, logical GPUs."""

import json
from contextlib import contextmanager
from pathlib import Path

import pytest

from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.runner import open_studies, run_sweep
from nemesis_sweep.sweep.worker import gpu_memory
from nemesis_sweep.sweep.worker.failure import failure
from nemesis_sweep.sweep.worker.trainable import PromptTrainable
from tests.sweep.test_runner import Watcher

NEEDS = {"0": 1.0, "1": 2.0}
"""The share of a GPU that a trial's second portion needs."""

TEXT = """
name: made
tasks: {dataset: digits, shots: 1, replicates: 2}
method: {epochs: 4, views: 1, omega: 1}
space:
  n_ctx: {low: 2, high: 9}
search:
  eval_every: 2
  pruner: none
  baselines: []
  points: [{n_ctx: 2}, {n_ctx: 3}]
budget: {trials: 2}
resources: {cpus: 0.5, gpus: 0.5}
"""


class Hungry(PromptTrainable):
    """The real trainable, on a GPU whose memory is used up where NEEDS says so."""

    def step(self):
        import torch

        from nemesis_sweep.sweep.worker.learning import Learning

        def advance(session):
            if session.fit.epoch == 2:
                (session.spec.folder / "resumed.txt").open("a").write(f"{gpu_memory.gpu_share():g}\n")
                if gpu_memory.gpu_share() < NEEDS.get(session.spec.number, 0):
                    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            return plain(session)

        plain = Learning.advance
        Learning.advance = advance
        try:
            return super().step()
        finally:
            Learning.advance = plain


@pytest.mark.cluster
def test_it_goes_on_with_twice_the_share_until_a_whole_gpu_is_not_enough(make_sweep, tmp_path, monkeypatch):
    monkeypatch.setattr("nemesis_sweep.sweep.worker.trainable.PromptTrainable", Hungry)
    # Workers do not look into the current folder, and have to find `Hungry`.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    watcher, home = Watcher(), Home(tmp_path / "home")

    @contextmanager
    def show(studies):
        yield watcher

    run_sweep(make_sweep(text=TEXT), home, show, logical_gpus=1)
    states = {number: state for number, (state, _) in watcher.finished.items()}
    assert states == {"0": "COMPLETE", "1": "FAIL"}
    assert "OutOfMemoryError: CUDA out of memory" in watcher.finished["1"][1]
    (study,) = open_studies(make_sweep(text=TEXT), home)
    folders = {number: home.trial(study.key, number) for number in states}
    for number in "01":
        # Each time from the checkpoint of epoch 2; the first two epochs are trained and told once.
        assert (folders[number] / "resumed.txt").read_text().split() == ["0.5", "1"]
        assert watcher.epochs.count((number, 2, 4)) == 1
        assert (
            f"{study.key} trial {number}: out of memory with 0.5 of a GPU; it goes on with 1" in watcher.said
        )
    assert json.loads((folders["0"] / "result.json").read_text())["epochs"] == 4
    told = {number: trial.user_attrs.get("gpus") for number, trial in study.trials()}
    assert told == {"0": 1.0, "1": 1.0}
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{home.path / 'mlflow.db'}")
    (experiment,) = [each for each in client.search_experiments() if each.name == "made"]
    runs = client.search_runs([experiment.experiment_id])
    names = [run.data.tags["nemesis.trial"] for run in runs if "nemesis.trial" in run.data.tags]
    assert sorted(names) == sorted(f"{study.key}/{number}" for number in states)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda torch: torch.OutOfMemoryError("CUDA out of memory."), True),
        (lambda torch: RuntimeError("CUDA error: out of memory"), True),
        (lambda torch: RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), True),
        (lambda torch: RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling"), True),
        (lambda torch: RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (lambda torch: MemoryError("the machine's"), False),
        (lambda torch: RuntimeError("shapes do not match"), False),
    ],
)
def test_only_what_more_of_a_gpu_could_cure_is_out_of_memory(tmp_path, make, told):
    import torch

    assert failure(make(torch), tmp_path).out_of_memory is told
