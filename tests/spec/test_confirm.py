"""Fresh seeds, and what `search.confirm` may say."""

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.compare import diff, growth
from nemesis_sweep.spec.confirm import fresh_seeds, seeds_text
from nemesis_sweep.spec.loader import load_sweep

TEXT = """
name: made
tasks: {dataset: digits, shots: 4, seeds: [7, 2]}
space: {omega: {low: 0.1, high: 100, log: true}}
"""


@pytest.fixture
def load(tmp_path):
    def load(*overrides):
        file = tmp_path / "made.yaml"
        file.write_text(TEXT)
        return load_sweep(file, overrides)

    return load


def test_fresh_seeds_follow_the_largest_and_fewer_are_the_first_of_more():
    assert fresh_seeds([7, 2], 3) == (8, 9, 10)
    assert fresh_seeds([7, 2], 5)[:3] == fresh_seeds([7, 2], 3)


def test_after_the_last_seed_they_go_on_with_the_smallest_that_is_free():
    last = 2**32 - 1
    assert fresh_seeds([0, last - 1], 4) == (last, 1, 2, 3)


@pytest.mark.parametrize(
    ("seeds", "text"), [((4, 5, 6), "seeds 4 to 6"), ((4,), "seed 4"), ((9, 1), "seeds 9, 1")]
)
def test_seeds_in_words(seeds, text):
    assert seeds_text(seeds) == text


def test_nothing_is_confirmed_by_default_and_an_empty_mapping_has_defaults(load):
    assert load().search.confirm is None and load().confirm_seeds == ()
    confirm = load("search.confirm={}").search.confirm
    assert (confirm.top, confirm.seeds) == (3, 5)
    sweep = load("search.confirm.seeds=2")
    assert sweep.all_seeds == [7, 2, 8, 9]


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("search.confirm={top: 0}", "search.confirm.top"),
        ("search.confirm={seeds: 1001}", "search.confirm.seeds"),
        ("search.confirm={best: 3}", "search.confirm.best: unknown key"),
        ("search.confirm=3", "search.confirm"),
    ],
)
def test_mistakes_are_told_with_their_place(load, override, told):
    with pytest.raises(UserError) as error:
        load(override)
    assert told in str(error.value)


def test_a_home_may_begin_and_cease_to_confirm_but_not_with_other_seeds(load):
    plain, some, more = load(), load("search.confirm={}"), load("search.confirm={seeds: 9}")
    wider = load("search.confirm={top: 8}")
    for before, after in ((plain, some), (some, plain), (some, wider)):
        assert diff(before, after, comparable_only=True) == [] == growth(before, after)
    assert diff(some, more, comparable_only=True) == ["search.confirm.seeds: 5 -> 9"]
