"""One actor through many trials over several tasks: nothing of a trial is left in its process."""

import gc
import os
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.method import Method
from nemesis_sweep.sweep.trial_spec import TrialSpec
from nemesis_sweep.sweep.worker import worker_cache
from nemesis_sweep.sweep.worker.trainable import PromptTrainable
from nemesis_sweep.vlm import kept_layouts

TEXT = """
name: leaks
tasks: {dataset: [digits, emoji], shots: [1, 2, 4], replicates: 2}
budget: {trials: 0}
"""
"""Six tasks: more than a worker keeps features, datasets or episodes of."""

METHODS = (
    Method(views=1, epochs=1, n_ctx=4),
    Method(views=1, epochs=1, n_ctx=2, omega=10, beta=0, n_positions=2),
    Method(views=1, epochs=1, n_ctx=3, omega=1, csc=True, class_position="middle"),
)
"""Plain, PAN, and a context for every class: each with tensors of other shapes."""

GROWTH = 1.05


@pytest.fixture
def work(tmp_path):
    """Runs numbered trials, one after the other, in one actor; takes turns over tasks and methods."""
    file = tmp_path / "leaks.yaml"
    file.write_text(TEXT)
    tasks = load_sweep(file).task_list()
    (tmp_path / "home").mkdir()
    actor = None

    def run(number: int) -> None:
        nonlocal actor
        spec = TrialSpec(
            home=str(tmp_path / "home"),
            task=tasks[number % len(tasks)],
            number=str(number),
            baseline="",
            params={},
            method=METHODS[number // len(tasks) % len(METHODS)],
            seeds=(1, 2),
            eval_every=1,
            threads=1,
        )
        spec = replace(spec, method=spec.method.model_copy(update={"lr": 0.002 + number}))
        if actor is None:
            (tmp_path / "home" / "driver.lock").touch()
            actor = PromptTrainable(spec.to_config())
        else:
            assert actor.reset(spec.to_config())
        while not (told := actor.step())["done"]:
            pass
        assert "failure" not in told, told
        actor.reset(spec.to_config())  # Forgets the trial, as it does for the next one.

    worker_cache.forget()
    yield run
    worker_cache.forget()


def chance() -> tuple:
    """The state of every generator that belongs to the whole process."""
    import torch

    name, keys, *rest = np.random.get_state()
    return torch.get_rng_state().tolist(), random.getstate(), (name, keys.tolist(), *rest)


def tensors() -> int:
    """How many tensors are alive."""
    import torch

    gc.collect()
    return sum(issubclass(type(found), torch.Tensor) for found in gc.get_objects())


def resident() -> int:
    """Bytes of memory that the process holds."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def assert_bounded_and_without_gradients() -> None:
    for cached in (worker_cache.backbone, worker_cache.dataset, worker_cache.arranged, worker_cache.towers):
        assert cached.cache_info().currsize <= cached.cache_info().maxsize
    assert len(worker_cache._kept) <= worker_cache.KEPT_FEATURES
    towers = worker_cache.towers("icon-clip", "fp32")
    assert len(towers.layouts) <= kept_layouts.MOST
    for part in (towers.visual, towers.text.token_embedding):
        assert all(weight.grad is None and not weight.requires_grad for weight in part.parameters())


def test_a_trial_leaves_no_tensor_no_gradient_and_no_generator_touched(work, monkeypatch):
    """As many tensors are alive after a trial as after those before it, whatever their task and kind.

    Of the layouts of prompts, which are kept, it is the last.
    """
    monkeypatch.setattr(kept_layouts, "MOST", 1)
    work(0)
    before, counted = chance(), {}
    for number in range(1, 12):
        work(number)
        if number in (6, 9, 11):  # By then every task was met, and the caches are full.
            counted[number] = tensors()
        assert_bounded_and_without_gradients()
    assert chance() == before
    assert len(set(counted.values())) == 1, counted


@pytest.mark.slow
def test_a_hundred_trials_take_no_more_memory_than_the_first_few(work):
    for number in range(20):
        work(number)
    early = resident()
    for number in range(20, 120):
        work(number)
    late = resident()
    print(f"\nmemory after 20 trials {early / 2**20:.1f} MiB, after 100 more {late / 2**20:.1f} MiB")
    assert late <= GROWTH * early
    assert_bounded_and_without_gradients()
