"""A worker whose GPU answers no more ends, and its trial goes on in another: real Ray, real trials."""

from contextlib import contextmanager
from pathlib import Path

import pytest

from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.runner import open_studies, run_sweep
from nemesis_sweep.sweep.worker.trainable import PromptTrainable
from tests.sweep.test_runner import Watcher

TEXT = """
name: made
tasks: {dataset: digits, shots: 1, replicates: 2}
method: {epochs: 4, views: 1, omega: 1}
space:
  n_ctx: {low: 2, high: 9}
search: {eval_every: 2, pruner: none, baselines: [], points: [{n_ctx: 2}, {n_ctx: 3}]}
budget: {trials: 2, retries: 2}
resources: {cpus: 1, concurrent: 1}
"""


class Broken(PromptTrainable):
    """The real trainable; the GPU of the first worker breaks in the middle of trial 0."""

    def step(self):
        from nemesis_sweep.sweep.worker.learning import Learning

        def advance(session):
            broken = session.spec.folder / "broken.txt"
            if session.fit.epoch == 2 and session.spec.number == "0" and not broken.exists():
                broken.touch()
                raise RuntimeError("CUDA error: an illegal memory access was encountered")
            return plain(session)

        plain = Learning.advance
        Learning.advance = advance
        try:
            return super().step()
        finally:
            Learning.advance = plain


@pytest.mark.cluster
def test_its_trial_goes_on_from_its_checkpoint_in_another_worker(make_sweep, tmp_path, monkeypatch):
    monkeypatch.setattr("nemesis_sweep.sweep.worker.trainable.PromptTrainable", Broken)
    # Workers do not look into the current folder, and have to find `Broken`.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    watcher, home = Watcher(), Home(tmp_path / "home")

    @contextmanager
    def show(studies):
        yield watcher

    run_sweep(make_sweep(text=TEXT), home, show)
    assert {number: state for number, (state, _) in watcher.finished.items()} == {
        "0": "COMPLETE",
        "1": "COMPLETE",
    }
    (study,) = open_studies(make_sweep(text=TEXT), home)
    folder = home.trial(study.key, "0")
    assert "illegal memory access" in (folder / "error.txt").read_text()
    # Trained and told once.
    assert watcher.epochs.count(("0", 2, 4)) == 1
