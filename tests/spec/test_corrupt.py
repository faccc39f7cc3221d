"""What `search.corrupt` may say, and what the prompts of a sweep cannot have."""

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.choices import CORRUPTIONS
from nemesis_sweep.spec.compare import diff
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.sweep.names import known_names

TEXT = """
name: made
tasks: {dataset: digits, shots: 4}
method: {n_ctx: 4}
space: {omega: {low: 0.1, high: 100, log: true}}
"""


@pytest.fixture
def load(tmp_path):
    def load(*overrides: str) -> Sweep:
        file = tmp_path / "made.yaml"
        file.write_text(TEXT)
        return load_sweep(file, overrides, known_names())

    return load


def test_nothing_is_corrupted_by_default_and_an_empty_mapping_has_the_papers_strengths(load):
    assert load().search.corrupt is None
    corrupt = load("search.corrupt={}").search.corrupt
    assert corrupt.operations == CORRUPTIONS
    assert (corrupt.positions, corrupt.on) == ([], ["test"])


def test_an_operation_without_strengths_is_left_out(load):
    corrupt = load("search.corrupt={rescale: 0.5, replace: [], on: [val, test], positions: 4}").search.corrupt
    assert corrupt.operations == {"rescale": (0.5,)}
    assert (corrupt.positions, corrupt.on) == ([4], ["val", "test"])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("{rescale: [], replace: []}", "nothing is corrupted"),
        ("{rescale: [-1]}", "search.corrupt.rescale"),
        ("{rescale: [.inf]}", "search.corrupt.rescale"),
        ("{rescale: [1e39]}", "infinite in fp32; found 1e+39; allowed: at most 3.403e+38"),
        ("{replace: 0.1, rescale: [1e39]}", "search.corrupt.rescale"),
        ("{replace: [0.1, 0.1]}", "0.1 is listed twice"),
        ("{on: [train]}", "search.corrupt.on"),
        ("{positions: [0]}", "search.corrupt.positions"),
        ("{positions: [2, 5]}", "a position beyond the context; found 5; allowed: at most 4"),
        ("{operation: rescale}", "unknown key; allowed: rescale, replace, positions, on"),
        ("{rplace: 0.1}", "Did you mean 'replace'?"),
        ("{on: trian}", 'found "trian"; allowed: val, test'),
        ("3", "wrong type; found 3; allowed: a mapping with rescale, replace, positions, on"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(load, given, told):
    with pytest.raises(UserError, match=r"search\.corrupt") as error:
        load(f"search.corrupt={given}")
    assert told in str(error.value)


def test_a_position_has_to_be_in_every_prompt_that_is_searched(load):
    searched = "space.n_ctx={choices: [4, 8]}"
    with pytest.raises(UserError, match="a position beyond the context"):
        load("search.corrupt={positions: [8]}", searched, "method={}")
    assert load("search.corrupt={positions: [4]}", searched, "method={}").search.corrupt.positions == [4]


def test_prompts_corrupted_otherwise_are_another_sweeps(load):
    assert diff(load(), load("search.corrupt={}"), comparable_only=True)
    one, other = (load(f"search.corrupt.rescale=[{factor}]") for factor in (0.5, 2))
    assert diff(one, other, comparable_only=True) == ["search.corrupt.rescale: [0.5] -> [2.0]"]
    assert not diff(one, one, comparable_only=True)


def test_how_pan_corrupts_can_be_searched_where_pan_takes_part(load):
    searched = "space={omega: {low: 1, high: 2}, corrupt_by: {choices: [rescale, replace]}}"
    assert load("method.beta=0", searched).space["corrupt_by"].choices == ["rescale", "replace"]
    with pytest.raises(
        UserError, match="searching corrupt_by can change nothing, as the penalty is PUN only"
    ):
        load("method.beta=1", searched)
    with pytest.raises(UserError, match="corrupt_by"):
        load("method.beta=0", "method.corrupt_by=swap")
