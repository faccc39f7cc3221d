"""What a trial takes of a cluster: refused when it can never be met, doubled when it was too little."""

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.sweep.cluster.shares import concurrent, doubled, trial_resources


@pytest.mark.parametrize(
    ("override", "key", "there"),
    [
        ("resources.gpus=2", "resources.gpus", "at most 1 here"),
        ("resources.cpus=64", "resources.cpus", "at most 2 here"),
    ],
)
def test_what_can_never_be_met_is_refused(make_sweep, override, key, there):
    with pytest.raises(UserError, match=f"{key}: more .* than there are; .*{there}"):
        trial_resources(make_sweep(override).resources, [{"CPU": 2.0, "GPU": 1.0}], 0.25)


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
        ({"cpu": 0.5, "gpu": 2.0}, 1),
    ],
)
def test_as_many_trials_at_once_as_fit_whole_gpus(resources, fits):
    """Two trials of 0.4 fit a GPU, so four fit two GPUs, and not five."""
    assert concurrent(resources, [{"CPU": 8.0, "GPU": 2.0}]) == fits


SPLIT = [{"CPU": 8.0}, {"CPU": 2.0, "GPU": 1.0}, {"CPU": 2.0, "GPU": 1.0}]


def test_what_no_single_node_has_is_refused(make_sweep):
    """Two GPUs on two nodes are not two GPUs for one trial, nor has any node eight CPUs and a GPU."""
    with pytest.raises(
        UserError, match=r"resources.gpus: more GPUs .*found 2; allowed: at most 1 on one node"
    ):
        trial_resources(make_sweep("resources.gpus=2").resources, SPLIT, 0.0)
    with pytest.raises(UserError, match=r"no node has enough CPUs and GPUs; found cpus 4, gpus 0.5"):
        trial_resources(make_sweep("resources.gpus=0.5", "resources.cpus=4").resources, SPLIT, 0.0)
    assert concurrent({"cpu": 3.0}, SPLIT) == 2
    assert concurrent({"cpu": 1.0, "gpu": 0.25}, SPLIT) == 4
