"""A trial's share of a GPU: measured, kept to, left when it can be used no more."""

import subprocess
import sys
from contextlib import contextmanager

import pytest
import torch

from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.home.gpu_share import read_share
from nemesis_sweep.sweep.runner import run_sweep
from nemesis_sweep.sweep.worker.gpu_memory import CONTEXT, keep_to_share, measure_memory
from tests.sweep.test_runner import Watcher

pytestmark = pytest.mark.gpu
GPU = "cuda"
MIB = 2**20


def taken(size):
    return torch.zeros(size, dtype=torch.uint8, device=GPU)


def test_a_process_takes_no_more_than_its_share_less_what_cuda_has(tmp_path):
    _, total = torch.cuda.mem_get_info()
    share = 0.25
    keep_to_share(share, tmp_path)
    room = int(share * total) - CONTEXT
    taken(int(0.9 * room))
    torch.cuda.empty_cache()
    with pytest.raises(torch.OutOfMemoryError):
        taken(int(1.1 * room))


def test_the_probe_measures_one_piece_of_work_and_not_the_one_before():
    torch.cuda.init()
    large = measure_memory(lambda: taken(512 * MIB).sum().item(), 0)
    small = measure_memory(lambda: taken(64 * MIB).sum().item(), 0)
    assert 512 * MIB <= large.peak < 1024 * MIB
    assert 64 * MIB <= small.peak < 256 * MIB
    # CUDA itself takes something, and less than a GiB and a half.
    assert 0 < small.context < 1536 * MIB
    assert small.total == torch.cuda.mem_get_info()[1]
    assert 0 < small.share <= 0.125


BROKEN = """
import torch
from nemesis_sweep.vlm.gpu_errors import is_out_of_memory, is_sticky
numbers = torch.zeros(4, device="cuda")
for attempt in range(2):
    try:
        numbers[torch.tensor([99], device="cuda")].cpu()
        torch.cuda.synchronize()
        print("nothing was raised")
    except RuntimeError as error:
        print(is_sticky(error), is_out_of_memory(error))
"""


def test_an_error_that_stays_is_known_as_such():
    answer = subprocess.run([sys.executable, "-c", BROKEN], capture_output=True, encoding="utf-8", check=True)
    assert answer.stdout.split("\n")[:2] == ["True False", "True False"]


SWEEP = """
name: on a gpu
tasks: {dataset: digits, shots: 1, replicates: 2}
method: {epochs: 2, views: 2, omega: 1}
space: {n_ctx: {low: 2, high: 9}}
search: {pruner: none, baselines: [zero_shot], points: [{n_ctx: 2}, {n_ctx: 3}]}
budget: {trials: 2}
resources: {cpus: 1, gpus: GPUS}
"""


@pytest.mark.cluster
@pytest.mark.parametrize("gpus", ["auto", "0"])
def test_a_sweep_runs_with_the_share_it_needs_and_without_any(make_sweep, tmp_path, monkeypatch, gpus):
    """Encoding, the probe, trials side by side; with `gpus: 0` nothing touches the GPU."""
    monkeypatch.setenv("NEMESIS_SWEEP_CACHE", str(tmp_path / "cache"))
    watcher, home = Watcher(), Home(tmp_path / "home")

    @contextmanager
    def show(studies):
        yield watcher

    run_sweep(make_sweep(text=SWEEP.replace("GPUS", gpus)), home, show)
    trained = {number: state for number, (state, _) in watcher.finished.items()}
    assert set(trained.values()) == {"COMPLETE"} and len(trained) >= 2
    assert bool(read_share(home.path)) == (gpus == "auto")
    if gpus == "auto":
        assert 0 < read_share(home.path)["share"] <= 1
        assert read_share(home.path)["memory"]["context"] > 0
