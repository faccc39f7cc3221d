"""Protocols: which classes and images are learnt, and which are tested."""

from collections import Counter

import pytest

from nemesis_sweep.data.episodes import few_shot_episode
from nemesis_sweep.data.protocols import arrange
from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.choices import PROTOCOLS
from nemesis_sweep.spec.part import part_at
from nemesis_sweep.spec.tasks import Task, Tasks


def load(name):
    return load_dataset(name, None)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_sweep_file_takes_it_and_its_code_is_there(protocol):
    targets = ["emoji"] if protocol == "domain_generalization" else []
    assert Tasks(dataset=["digits"], protocol=protocol, targets=targets).protocol == protocol
    entry = PROTOCOLS[protocol]
    assert callable(part_at(entry.split))
    assert bool(entry.learnt) == (entry.summary is not None) and (not entry.learnt or part_at(entry.summary))


@pytest.mark.parametrize("val_shots", ["published", 7, "all"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_labels_have_names_and_episodes_follow_the_seeds(protocol, val_shots):
    """The contract of a protocol."""
    targets = ("emoji",) if protocol == "domain_generalization" else ()
    task = Task("icon-clip", "digits", 2, protocol, None, targets, val_shots)
    arranged = arrange(task, (3, 1), load)
    assert [episode.seed for episode in arranged.episodes] == [3, 1]
    learnt = set(range(len(arranged.source.classnames)))
    for episode in arranged.episodes:
        assert {item.label for item in episode.train} == learnt
        assert {item.label for item in episode.val} == learnt
        own = Counter(item.label for item in episode.val)
        of_split = Counter(item.label for item in arranged.source.val)
        assert own == (
            of_split if val_shots == "all" else dict.fromkeys(learnt, {"published": 2, 7: 7}[val_shots])
        )
    for dataset in (arranged.source, *arranged.targets.values()):
        assert {item.label for item in dataset.test} == set(range(len(dataset.classnames)))


def test_base_to_new_draws_on_all_classes_and_keeps_the_first_half():
    task = Task("icon-clip", "clipart", 2, "base_to_new")
    arranged = arrange(task, (1,), load)
    whole = load("clipart")
    new = arranged.targets["new"]
    assert (len(arranged.source.classnames), len(new.classnames)) == (13, 13)
    assert (*arranged.source.classnames, *new.classnames) == whole.classnames
    drawn = [item.source for item in few_shot_episode(whole, 2, 1).train if item.label < 13]
    assert [item.source for item in arranged.episodes[0].train] == drawn
    assert len(arranged.source.test) + len(new.test) == len(whole.test)


def test_domain_generalisation_tests_on_every_target_with_its_own_classes():
    task = Task("icon-clip", "clipart", 1, "domain_generalization", None, ("emoji", "digits"))
    arranged = arrange(task, (1,), load)
    assert arranged.source.classnames == load("clipart").classnames
    assert {name: data.classnames for name, data in arranged.targets.items()} == {
        "emoji": load("emoji").classnames,
        "digits": load("digits").classnames,
    }


def test_a_target_without_test_images_is_refused(colours):
    empty = type(colours)("empty", colours.classnames, colours.template, {**colours.splits, "test": []})
    task = Task("icon-clip", "colours", 1, "domain_generalization", None, ("empty",))
    with pytest.raises(UserError, match=r"tasks.targets: nothing to test on; found empty"):
        arrange(task, (1,), {"colours": colours, "empty": empty}.__getitem__)
