"""What a worker keeps between trials, and what it tells while it encodes."""

from dataclasses import fields

import pytest
import torch

from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.worker import worker_cache
from nemesis_sweep.sweep.worker.encoding_log import encoding_report
from tests.data.layouts import THREE, folders

TASK = Task(backbone="icon-clip", dataset="digits", shots=1, protocol="few_shot")


@pytest.fixture(autouse=True)
def cold(monkeypatch, tmp_path):
    monkeypatch.setenv("NEMESIS_SWEEP_CACHE", str(tmp_path / "features"))
    worker_cache.forget()
    yield
    worker_cache.forget()


def parts(found):
    return [getattr(found, field.name) for field in fields(found)]


def test_the_test_sets_of_a_protocol_are_encoded_with_the_rest():
    task = Task("icon-clip", "digits", 1, "base_to_new")
    lines = []
    found = worker_cache.materials(task, (1,), Method(views=1), lines.append)
    assert (len(found.dataset.classnames), found.features.train.shape[1]) == (5, 5)
    new = found.targets["new"]
    assert len(new.dataset.classnames) == 5
    assert len(new.images) == len(new.labels) == len(new.dataset.test)
    assert any(f"encoding {len(new.labels)} pictures" in line for line in lines)


def test_a_second_trial_finds_everything_in_place():
    lines = []
    first = worker_cache.materials(TASK, (1, 2), Method(views=1), lines.append)
    told = len(lines)
    second = worker_cache.materials(TASK, (1, 2), Method(views=1, omega=3.0), lines.append)
    assert told > 0 and len(lines) == told
    assert all(one is other for one, other in zip(parts(first), parts(second), strict=True))


def test_a_trials_precision_is_its_towers_and_its_features(tmp_path):
    folders("pictures", THREE, tmp_path)  # Few: a CPU takes long in half precision.
    task = Task("icon-clip", "./pictures", 1, "few_shot", root=str(tmp_path))
    exact, _, features, _ = parts(worker_cache.materials(task, (1,), Method(views=1)))
    low, _, rounded, _ = parts(worker_cache.materials(task, (1,), Method(views=1, precision="bf16")))
    assert (exact.text.dtype, low.text.dtype) == (torch.float32, torch.bfloat16)
    assert next(low.visual.parameters()).dtype == torch.bfloat16
    assert low.fingerprint == exact.fingerprint
    assert rounded.test.dtype == torch.float32
    assert not torch.equal(features.test, rounded.test)
    torch.testing.assert_close(features.test, rounded.test, atol=0.05, rtol=0)


def test_few_features_are_kept():
    for seed in range(worker_cache.KEPT_FEATURES + 2):
        worker_cache.materials(TASK, (seed,), Method(views=1))
    assert [key[1] for key in worker_cache._kept] == [
        (seed,) for seed in range(2, worker_cache.KEPT_FEATURES + 2)
    ]


def test_encoding_is_told_in_the_home_of_the_sweep(tmp_path):
    worker_cache.materials(TASK, (1,), Method(views=1), encoding_report(tmp_path, TASK.key))
    lines = (tmp_path / "logs" / "encoding.log").read_text().splitlines()
    assert all(TASK.key in line and "(process " in line for line in lines)
    assert "encoding 10 pictures x 1 view with icon-clip: begins" in lines[0]
    assert "views/s, done in" in lines[-1]
