"""`budget.until: converged` where nobody could say that a search has converged."""

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.compare import growth
from nemesis_sweep.spec.loader import load_sweep

TEXT = """
name: made
tasks: {dataset: digits, shots: 4}
space: {n_ctx: {choices: [4, 8]}}
budget: {until: converged}
"""


@pytest.fixture
def load(tmp_path):
    def load(*overrides):
        file = tmp_path / "made.yaml"
        file.write_text(TEXT)
        return load_sweep(file, overrides)

    return load


def test_it_may_be_asked_of_every_other_search_and_is_not_by_default(load):
    assert load().budget.until == "converged"
    assert load("budget={trials: 3}").budget.until is None
    assert load("search.sampler=random", "search.study=joint", "search.objective=val/loss")


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["search.objective=[val/accuracy, norm/mean]"], "of several objectives none is the one to converge"),
        (["search.objective=seconds"], "seconds has no value for each replicate"),
        (["search.sampler=grid"], "grid tries every point, whatever came of the others"),
        (["tasks.replicates=1"], "one replicate has no error"),
        (["space={}", "budget.trials=0"], "nothing is searched that could converge"),
        (["budget.until=stagnation"], "allowed: converged"),
    ],
)
def test_where_it_makes_no_sense_it_is_refused_with_its_place(load, overrides, told):
    with pytest.raises(UserError) as error:
        load(*overrides)
    assert "budget.until" in str(error.value) and told in str(error.value)


def test_to_go_on_without_it_is_more_than_before(load):
    assert growth(load(), load("budget.until=null")) == ['budget.until: "converged" -> null']
    assert growth(load("budget.until=null"), load()) == []
