"""The row `paper`: what the public code trains, its exceptions for two datasets included."""

import pytest

from nemesis_sweep.sweep.space.baselines import baseline_method, paper_point

TEXT = """
name: made
tasks: {dataset: [dtd, food101, oxford_pets], shots: 4}
method: {beta: 0}
space:
  omega: {low: 0.1, high: 100, log: true}
  corruption: {low: 0, high: 1}
  anneal: {choices: [logistic, constant]}
"""


@pytest.mark.parametrize(
    ("beta", "omega"),
    [(0, {"dtd": 10, "food101": 50, "oxford_pets": 50}), (1, dict.fromkeys(("dtd", "food101"), 10))],
)
def test_the_exceptions_of_the_public_code(make_sweep, beta, omega):
    overrides = ["space.corruption=null"] if beta == 1 else []
    sweep = make_sweep(f"method.beta={beta}", *overrides, text=TEXT)
    for task in sweep.task_list():
        method = baseline_method(sweep, task, "paper")
        assert method.omega == omega.get(task.dataset, 10)
        assert method.anneal == ("logistic" if task.dataset == "dtd" else "constant")
        assert (method.corruption, method.n_positions, method.beta) == (0.5, 1, beta)
        assert paper_point(sweep, [task])["omega"] == method.omega


def test_one_setting_for_all_is_beside_the_space_where_they_differ(make_sweep):
    sweep = make_sweep("search.study=joint", text=TEXT)
    assert paper_point(sweep, sweep.task_list()) is None


def test_a_value_that_is_fixed_stays(make_sweep):
    sweep = make_sweep("space.anneal=null", text=TEXT)
    methods = [baseline_method(sweep, task, "paper") for task in sweep.task_list()]
    assert {method.anneal for method in methods} == {"logistic"}


def test_where_both_losses_are_searched_it_is_pun(make_sweep):
    space = "space.beta={choices: {1: {}, 0: {n_positions: {low: 1, high: 4}}}}"
    sweep = make_sweep("method.beta=null", "space.corruption=null", space, text=TEXT)
    assert baseline_method(sweep, sweep.task_list()[0], "paper").beta == 1


def test_plain_coop_and_the_paper_have_no_prograd(make_sweep):
    fixed = make_sweep("method.prograd=1", text=TEXT)
    searched = make_sweep("space.prograd={low: 0, high: 1}", text=TEXT)
    assert baseline_method(fixed, fixed.task_list()[0], "coop").prograd == 0
    assert [baseline_method(searched, searched.task_list()[0], row).prograd for row in ("coop", "paper")] == [
        0,
        0,
    ]


@pytest.mark.parametrize(
    ("changes", "most"),
    [
        (("method.n_ctx=4", "space.prompt={choices: [deep_text, prefix]}"), 4),
        (("method.words=a photo", "space.prompt={choices: [deep_text, maple]}"), 2),
        (("method.prompt=deep_text", "method.n_ctx=4"), 12),
        (("method.prompt=vpt", "method.n_ctx_vision=20"), 12),
    ],
)
def test_rows_have_no_more_positions_than_vectors(make_sweep, changes, most):
    """Positions are counted in all blocks of the kinds that a sweep tries; plain CoOp has one context."""
    fixed = ("method.n_positions=12", "tasks.backbone=ViT-B-32@random")
    sweep = make_sweep(*fixed, *changes, text=TEXT)
    (task, *_) = sweep.task_list()
    coop, paper = (baseline_method(sweep, task, row) for row in ("coop", "paper"))
    assert (coop.prompt, coop.n_positions) == ("coop", 1)
    assert paper.n_positions == most
