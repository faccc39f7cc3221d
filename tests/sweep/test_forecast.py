"""What `plan --probe` tells: measured parts, plain arithmetic, and nothing written."""

import pytest
from click.testing import CliRunner

from nemesis_sweep.cli import main
from nemesis_sweep.cli.forecast import forecast_lines
from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.sweep import forecast as module
from nemesis_sweep.sweep.forecast import PER_REPORT, PER_TRIAL, START, Forecast, StudyForecast, forecast
from nemesis_sweep.sweep.worker.dry_run import Costs
from nemesis_sweep.sweep.worker.gpu_memory import Memory

TEXT = """
name: made
tasks: {dataset: [digits, emoji], shots: [1, 16], replicates: 2}
method: {epochs: 20, batch: 8, views: 2, omega: 1}
space:
  n_ctx: {choices: [4, 8, 16]}
search: {eval_every: 6, baselines: [zero_shot, coop]}
budget: {trials: 6}
resources: {cpus: 1, gpus: 0, concurrent: 2}
"""


@pytest.fixture
def priced(monkeypatch):
    """A step takes a tenth of a second per context vector, validation one second, the test two."""
    asked = []

    def dry_run(backbone, arranged, method, corrupted):
        asked.append((arranged.source.name, method.n_ctx))
        return Costs(method.n_ctx / 10, 1.0, 2.0, corruption=0.0 if corrupted is None else 7.0)

    monkeypatch.setattr(module, "dry_run", dry_run)
    return asked


def test_a_trial_is_its_steps_validations_and_test(make_sweep, priced):
    sweep = make_sweep("tasks.dataset=digits", "tasks.shots=16", "space.n_ctx={choices: [4]}", text=TEXT)
    (study,) = forecast(sweep).studies
    # 160 images, 20 steps an epoch; validation after epochs 6, 12, 18 and 20.
    steps = 20 * 20 * 0.4
    assert study.mean == pytest.approx(steps + 4 * (1.0 + PER_REPORT) + 2.0 + PER_TRIAL)
    assert study.low == study.high == study.mean
    assert study.trials == 1 + 1  # one point, and plain CoOp; zero-shot trains nothing


def test_corrupted_prompts_are_part_of_a_trials_testing(make_sweep, priced):
    more = ("tasks.dataset=digits", "tasks.shots=16", "space.n_ctx={choices: [4]}")
    (plain,) = forecast(make_sweep(*more, text=TEXT)).studies
    (study,) = forecast(make_sweep(*more, "search.corrupt={}", text=TEXT)).studies
    assert study.mean == pytest.approx(plain.mean + 7)
    assert study.testing == pytest.approx(plain.testing + 7)


def test_shots_share_a_probe_and_a_joint_trial_is_the_sum_of_its_tasks(make_sweep, priced):
    apart = forecast(make_sweep(text=TEXT))
    assert len(apart.studies) == 4
    assert len(priced) == 2 * 3  # two datasets, three points
    joint = forecast(make_sweep("search.study=joint", text=TEXT))
    (study,) = joint.studies
    assert study.low <= study.mean <= study.high
    assert study.high == pytest.approx(sum(each.high for each in apart.studies))


def test_pictures_that_are_not_encoded_are_counted_once(make_sweep, priced, own_cache, monkeypatch):
    monkeypatch.setenv("NEMESIS_SWEEP_CACHE", str(own_cache / "empty"))
    monkeypatch.setattr(module, "_view_seconds", lambda *_: 0.5)
    found = forecast(make_sweep("tasks.dataset=digits", text=TEXT))
    one = forecast(make_sweep("tasks.dataset=digits", "tasks.shots=16", text=TEXT))
    data: Dataset = module.worker_cache.dataset("digits", None)
    # The images of one shot are among those of sixteen, and all share the test images.
    assert one.views <= found.views <= one.views + 2 * 10 * 2 + 2 * 10
    assert found.views > len(data.test)
    assert found.encoding == pytest.approx(0.5 * found.views)
    assert found.features == 4 * 128 * found.views
    assert not (own_cache / "empty").exists()


def test_the_sums():
    studies = (StudyForecast("a", 10, 360.0, 720.0, 1440.0, 0), StudyForecast("b", 5, 360.0, 360.0, 360.0, 0))
    found = Forecast(studies, views=100, encoding=1800.0, at_once=3, on_gpu=False)
    assert [found.seconds(which) / 3600 for which in ("low", "mean", "high")] == [2.0, 3.0, 5.0]
    assert found.wall() == pytest.approx(START + 1800 + 9000 / 3)


def test_what_validation_and_test_take_is_told_where_it_is_much(make_sweep):
    for testing, told in ((360.0, ["validation and test are 50% of it: 1 h 00 min"]), (36.0, [])):
        studies = (StudyForecast("a", 10, 360.0, 720.0, 1440.0, 0, testing),)
        found = Forecast(studies, views=0, encoding=0.0, at_once=1, on_gpu=False)
        lines = forecast_lines(found, make_sweep())
        assert [line for line in lines if line.startswith("validation and test")] == told


def test_features_that_take_much_room_are_told(make_sweep):
    for size, told in ((5 * 2**30, "once; they will take 5 GiB there"), (2**20, "once")):
        found = Forecast((), views=100, encoding=60.0, at_once=1, on_gpu=False, features=size)
        (line,) = (each for each in forecast_lines(found, make_sweep()) if each.startswith("encoding"))
        assert line.endswith(told)


def test_a_budget_of_hours_is_told(make_sweep):
    studies = (StudyForecast("a", 10, 360.0, 720.0, 1440.0, 0),)
    found = Forecast(studies, views=0, encoding=0.0, at_once=1, on_gpu=False)
    lines = forecast_lines(found, make_sweep("budget.hours=1"))
    assert "budget.hours ends it after 1 h of trial time" in lines
    assert not any("budget.hours" in line for line in forecast_lines(found, make_sweep("budget.hours=3")))


def test_with_no_gpus_wanted_the_probe_uses_none(make_sweep, priced, monkeypatch):
    """Though the machine has one: what is measured is what trials will do."""
    used = []
    monkeypatch.setattr(module.worker_cache, "device", lambda: "cuda")
    monkeypatch.setattr(module.worker_cache, "towers", lambda *_: pytest.fail("towers on a GPU"))
    real = module.measure_memory
    monkeypatch.setattr(module, "measure_memory", lambda *given: used.append(given[2]) or real(*given))
    assert not forecast(make_sweep("resources.gpus=0")).on_gpu
    assert used and all(used)


def test_no_more_at_once_than_the_sweep_allows_and_the_machine_has(make_sweep, monkeypatch):
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda _: set(range(16)))
    assert module._at_once(make_sweep(), Memory(1, 0, 1)) == 16
    assert module._at_once(make_sweep("resources.cpus=4"), Memory(1, 0, 1)) == 4
    assert module._at_once(make_sweep("resources.concurrent=3"), Memory(1, 0, 1)) == 3
    monkeypatch.setattr(module.worker_cache, "device", lambda: "cuda")
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert module._at_once(make_sweep(), Memory(5 * 2**30, 2**30, 16 * 2**30)) == 4


def test_plan_probes_for_real_and_writes_nothing(tmp_path, monkeypatch):
    """Encoding and training as they are, on the model and the pictures that ship with the package."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEMESIS_SWEEP_CACHE", str(tmp_path / "cache"))
    (tmp_path / "made.yaml").write_text(TEXT)
    arguments = ["plan", "made.yaml", "--probe", "--set", "tasks.dataset=digits", "--set", "tasks.shots=1"]
    answer = CliRunner().invoke(main, arguments)
    assert answer.exit_code == 0, answer.output
    assert "forecast for this machine" in answer.output
    assert "image views not in the cache yet" in answer.output
    assert "with the 2 at once that fit this machine" in answer.output
    assert [path.name for path in tmp_path.iterdir()] == ["made.yaml"]
