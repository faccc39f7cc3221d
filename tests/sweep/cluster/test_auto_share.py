"""`resources.gpus: auto` on a real Ray with a logical GPU: measured once, kept in the home."""

import json

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.sweep.cluster import auto_share as module
from nemesis_sweep.sweep.cluster.auto_share import FALLBACK, STATED, auto_share, probe_memory
from nemesis_sweep.sweep.cluster.ray_session import RaySession
from nemesis_sweep.sweep.home.episodes import record_episodes
from nemesis_sweep.sweep.home.folder import Home

AUTO = ("tasks.shots=1", "search.baselines=[zero_shot]")
CLUSTER = {"CPU": 2.0, "GPU": 1.0}


@pytest.fixture
def home(make_sweep, tmp_path):
    home = Home(tmp_path / "home")
    record_episodes(make_sweep(*AUTO), home)
    return home


def go_on():
    return False


@pytest.mark.cluster
def test_it_is_measured_in_a_process_of_its_own_and_only_once(make_sweep, home):
    sweep, said = make_sweep(*AUTO), []
    with RaySession(logical_gpus=1).running() as cluster:
        share = auto_share(sweep, home, cluster, said.append, go_on)
        assert auto_share(sweep, home, cluster, said.append, go_on) == share
    probing, told = said
    assert "probing" in probing
    known = json.loads((home.path / "gpu_share.json").read_text())
    assert known["share"] == share
    peak, total = known["memory"]["peak"], known["memory"]["total"]
    assert total == STATED
    assert 2**27 < peak < STATED  # torch and the backbone alone take more than 128 MiB
    assert share * (STATED / (1.2 * peak)) >= 0.999 or share == 0.125
    assert told == (
        f"resources.gpus auto: {share:g} of a GPU a trial; the largest took {peak / 2**30:.2f} GiB "
        "and 0.00 beside, of 16.0"
    )
    (trial,) = known["asked"]["trials"]
    assert (trial["task"]["dataset"], trial["method"]["n_ctx"]) == ("digits", 16)


def test_without_a_gpu_nothing_is_measured(make_sweep, home):
    assert auto_share(make_sweep(*AUTO), home, {"CPU": 2.0}, pytest.fail, go_on) == 0.0


@pytest.mark.parametrize(
    ("overrides", "cluster", "probes"),
    [
        ((), CLUSTER, 1),
        (("space.omega.high=50", "search.seed=3", "budget.trials=60"), CLUSTER, 1),
        (("space.n_ctx={low: 4, high: 32}",), CLUSTER, 2),
        (("tasks.replicates=4",), CLUSTER, 2),
        ((), {**CLUSTER, "accelerator_type:A100": 1.0}, 2),
    ],
)
def test_another_gpu_or_a_larger_trial_is_measured_again(
    make_sweep, home, monkeypatch, overrides, cluster, probes
):
    """What does not change the largest trial leaves the measurement as it is."""
    asked = []

    def probe(what, *_):
        asked.append(what)
        return module.Memory(2**30, 0, 8 * 2**30)

    monkeypatch.setattr(module, "_probe", probe)
    assert auto_share(make_sweep(*AUTO), home, CLUSTER, lambda _: None, go_on) == 0.1666
    auto_share(make_sweep(*AUTO, *overrides), home, cluster, lambda _: None, go_on)
    assert len(asked) == probes


def test_a_probe_that_fails_is_told_and_not_kept(make_sweep, home, monkeypatch):
    said = []
    monkeypatch.setattr(module, "_probe", lambda *_: "RuntimeError: no")
    assert auto_share(make_sweep(*AUTO), home, CLUSTER, said.append, go_on) == FALLBACK
    assert said[-1].endswith("0.25 of a GPU a trial, for it could not be probed: RuntimeError: no")
    assert not (home.path / "gpu_share.json").exists()


def test_a_trial_too_large_for_a_whole_gpu_takes_all_of_it(monkeypatch):
    def exhausted(work, stated):
        import torch

        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(module, "measure_memory", exhausted)
    assert module.Memory(*probe_memory([], [1], "", 1, STATED)).share == 1.0


def test_what_the_trial_would_refuse_is_raised(make_sweep):
    sweep = make_sweep(
        "tasks.dataset=clipart", "search.baselines=[zero_shot]", "space.n_ctx={choices: [4, 73]}"
    )
    (trial,) = module.largest_trials(sweep, {task.key: 1 for task in sweep.task_list()})
    plain = {"task": module.asdict(trial[0]), "method": trial[1].model_dump()}
    with pytest.raises(UserError, match="do not fit the text tower"):
        probe_memory([plain], [1], "", 1, STATED)
