"""What a trial takes of a cluster: refused when it can never be met, doubled when it was too little."""

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.sweep.cluster.shares import concurrent, doubled, trial_resources, whole_gpu, with_seeds


@pytest.mark.parametrize(
    ("override", "key", "there"),
    [
        ("resources.gpus=1", "resources.gpus", "at most 0.5 here"),
        ("resources.cpus=64", "resources.cpus", "at most 2 here"),
    ],
)
def test_what_can_never_be_met_is_refused(make_sweep, override, key, there):
    with pytest.raises(UserError, match=f"{key}: more .* than there are; .*{there}"):
        trial_resources(make_sweep(override).resources, [{"CPU": 2.0, "GPU": 0.5}], 0.25)


def test_a_gpu_where_there_is_none_is_refused_and_auto_does_without(make_sweep):
    with pytest.raises(UserError, match="there is no GPU here"):
        trial_resources(make_sweep("resources.gpus=0.5").resources, [{"CPU": 2.0}], 0.0)
    assert trial_resources(make_sweep().resources, [{"CPU": 2.0}], 0.0) == {"cpu": 1.0}


def test_auto_takes_the_share_that_was_measured(make_sweep):
    there = [{"CPU": 2.0, "GPU": 1.0}]
    assert trial_resources(make_sweep().resources, there, 0.2) == {"cpu": 1.0, "gpu": 0.2}
    assert trial_resources(make_sweep("resources.gpus=0.5").resources, there, 0.2)["gpu"] == 0.5


def test_a_share_doubles_up_to_one_whole_gpu_and_no_further():
    assert [doubled(share) for share in (0.125, 0.3, 0.5, 0.75)] == [0.25, 0.6, 1.0, 1.0]
    assert [doubled(share) for share in (0.0, 1.0, 2.0)] == [None, None, None]


@pytest.mark.parametrize(
    ("resources", "fits"),
    [
        ({"cpu": 1.0}, 8),
        ({"cpu": 4.0, "gpu": 0.5}, 2),
        ({"cpu": 0.5, "gpu": 0.4}, 4),
        ({"cpu": 0.1, "gpu": 1 / 3}, 6),
        ({"cpu": 0.5, "gpu": 1.0}, 2),
    ],
)
def test_as_many_trials_at_once_as_fit_whole_gpus(resources, fits):
    """Two trials of 0.4 fit a GPU, so four fit two GPUs, and not five."""
    assert concurrent(resources, [{"CPU": 8.0, "GPU": 2.0}]) == fits


SPLIT = [{"CPU": 8.0}, {"CPU": 2.0, "GPU": 1.0}, {"CPU": 2.0, "GPU": 1.0}]


def test_what_no_single_node_has_is_refused(make_sweep):
    """No node has eight CPUs and a GPU."""
    wanted = (make_sweep("resources.gpus=0.5", "resources.cpus=4").resources, SPLIT, 0.0)
    with pytest.raises(UserError, match=r"no node has enough CPUs and GPUs; found cpus 4, gpus 0.5") as told:
        trial_resources(*wanted)
    assert "allowed: cpus up to 2, which a node with a GPU has, or gpus 0" in str(told.value)
    assert concurrent({"cpu": 3.0}, SPLIT) == 2
    assert concurrent({"cpu": 1.0, "gpu": 0.25}, SPLIT) == 4


UNEVEN = [{"CPU": 32.0}, {"CPU": 4.0, "GPU": 1.0}]


def test_a_whole_gpu_is_refused_before_it_is_waited_for(make_sweep):
    """With `gpus: auto` the probe asks for a GPU and the trial's CPUs: Ray would wait for both for ever."""
    assert [whole_gpu(nodes) for nodes in ([{"CPU": 2.0}], UNEVEN)] == [0.0, 1.0]
    sweep = make_sweep("resources.cpus=8")
    with pytest.raises(UserError, match=r"found cpus 8, gpus 1; allowed: cpus up to 4, .* or gpus 0"):
        trial_resources(sweep.resources, UNEVEN, whole_gpu(UNEVEN))
    assert trial_resources(make_sweep("resources.gpus=0", "resources.cpus=8").resources, UNEVEN, 0.0)


@pytest.mark.parametrize("gpus", [2, 1.5])
def test_more_than_one_gpu_is_refused_when_the_file_is_read(make_sweep, gpus):
    with pytest.raises(UserError, match=r"resources.gpus: a trial trains on one GPU .*trials train at once"):
        make_sweep(f"resources.gpus={gpus}")


@pytest.mark.parametrize(
    ("share", "times", "given"), [(0.25, 5 / 3, 0.42), (0.25, 0.5, 0.25), (0.7, 2, 1.0), (2.0, 3, 2.0)]
)
def test_more_replicates_take_more_of_a_gpu_up_to_one_whole(share, times, given):
    assert with_seeds(share, times) == given
