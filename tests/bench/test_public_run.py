"""A run the public code's way learns what a trial learns."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from torch import Tensor

from nemesis_sweep import fit
from nemesis_sweep.bench.public_run import Job, PublicRun, ahead

PAN = {"omega": 20.0, "beta": 0, "corruption": 0.2, "n_positions": 2}
METHODS = {
    "PAN": {**PAN, "views": 3},
    "PUN": {"omega": 5.0, "views": 3},
    "PUN and PAN, centre crops": {**PAN, "beta": 0.5, "views": 1},
    "CoOp, a new view each epoch": {"views": "epochs"},
}


@pytest.fixture(scope="module")
def job(pictures: Path) -> Job:
    return Job("icon-clip", str(pictures), shots=6, seed=2, method={"n_ctx": 4, "epochs": 4, "batch": 10})


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
def test_context_and_accuracy_are_those_of_a_trial(method, job, pictures):
    method = {**job.method, **method}
    public = PublicRun(replace(job, method=method))
    start = public.values["context"].clone()
    public.fit()
    ours = fit("icon-clip", pictures, method, shots=6, seeds=(1, 2))
    learnt, context = public.implementation.context.detach()[0], ours.context[1]
    # Further from its start than the two ways are from each other, by far.
    assert (context - start[0]).norm() > 1e-2 * start.norm()
    assert (learnt - context).norm() < 1e-5 * context.norm()
    assert public.accuracy() == pytest.approx(ours.metrics["test/accuracy"][1])


def test_another_seed_is_another_run(job):
    runs = [PublicRun(replace(job, seed=seed)) for seed in (1, 2)]
    assert [item.source for item in runs[0].train] != [item.source for item in runs[1].train]
    assert not runs[0].implementation.context.equal(runs[1].implementation.context)


def test_every_test_batch_is_encoded(job):
    """With more images than a batch holds, and a last one that is short."""
    public = PublicRun(replace(job, method={**job.method, "views": 1}))
    assert len(public.test) == 120
    seen = []
    logits = public.implementation.logits

    def counted(replicate: int) -> Tensor:
        seen.append(len(public.labels[0]))
        return logits(replicate)

    public.implementation.logits = counted
    assert 0 <= public.accuracy() <= 100
    assert seen == [100, 20]


def test_batches_come_in_their_order():
    with ThreadPoolExecutor(1) as loader:
        assert list(ahead(loader, [lambda number=number: number for number in range(5)])) == [0, 1, 2, 3, 4]
        assert list(ahead(loader, [])) == []


def start(job: Job) -> subprocess.CompletedProcess:
    line = [sys.executable, "-m", "nemesis_sweep.bench.public_run", json.dumps(asdict(job))]
    return subprocess.run(line, capture_output=True, encoding="utf-8", check=False, timeout=200)


@pytest.mark.slow
def test_a_process_answers_with_its_accuracy_and_times(job):
    answer = start(replace(job, method={**job.method, **PAN}))
    assert answer.returncode == 0, answer.stderr
    result = json.loads(answer.stdout.splitlines()[-1])
    assert 0 <= result["accuracy"] <= 100
    assert result["training_seconds"] > 0
    assert result["test_seconds"] > 0


def test_data_that_is_not_there_is_said_in_a_line(job, tmp_path):
    answer = start(replace(job, dataset=str(tmp_path / "none")))
    assert answer.returncode == 1
    assert answer.stderr.startswith("no such file or folder")
    assert "Traceback" not in answer.stderr
