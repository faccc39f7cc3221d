"""The control of the best: asked for when everything else is over, once for every best."""

import pytest
from optuna.trial import TrialState

from nemesis_sweep.sweep.space.baselines import most_controls

SMALL = "space.n_ctx={choices: [4, 8]}"
"""Never plain CoOp's 16."""
ONLY_PENALTY = """
name: made
tasks: {dataset: digits, shots: 4, replicates: 2}
method: {beta: 0}
space:
  omega: {low: 0.1, high: 100, log: true}
  corruption: {low: 0.1, high: 0.9}
budget: {trials: 3}
"""


def run(study, value, until: int | None = None) -> list[str]:
    """Ask and tell, one at a time; the numbers in the order in which they came."""
    numbers: list[str] = []
    while until is None or len(numbers) < until:
        proposal = study.next()
        if proposal is None:
            break
        numbers.append(proposal.number)
        study.tell(proposal.number, TrialState.COMPLETE, value(proposal), 1.0)
    return numbers


def best_is(number: str):
    return lambda proposal: 2.0 if proposal.number == number else 1.0


def test_it_comes_last_and_differs_in_omega_alone(make_sweep, open_study):
    study = open_study(make_sweep(SMALL, "search.baselines=[coop, control]"))
    handed = {}

    def value(proposal):
        handed[proposal.number] = proposal
        return best_is("3")(proposal)

    numbers = run(study, value)
    assert numbers == ["coop", "0", "1", "2", "3", "4", "5", "control-of-3"]
    control, best = handed["control-of-3"], handed["3"]
    assert (control.baseline, dict(control.params)) == ("control", {})
    assert control.method == best.method.model_copy(update={"omega": 0.0})
    assert not study.has_more()
    assert [number for number, _ in study.trials() if number.startswith("control")] == ["control-of-3"]


def test_it_waits_for_those_that_run(make_sweep, open_study):
    study = open_study(make_sweep(SMALL, "search.baselines=[control]", "budget.trials=2"))
    first, second = study.next(), study.next()
    study.tell(first.number, TrialState.COMPLETE, 1.0, 1.0)
    assert study.next() is None and study.has_more()
    study.tell(second.number, TrialState.COMPLETE, 2.0, 1.0)
    assert study.next().number == f"control-of-{second.number}"
    assert not study.has_more()


def test_an_interrupted_one_goes_on_and_another_best_gets_its_own(make_sweep, open_study):
    sweep = make_sweep(SMALL, "search.baselines=[coop, control]")
    study = open_study(sweep)
    run(study, best_is("3"), until=7)
    assert study.next().number == "control-of-3"
    again = open_study(sweep)
    assert again.next().number == "control-of-3"
    again.tell("control-of-3", TrialState.COMPLETE, 1.0, 1.0)
    assert again.next() is None
    larger = open_study(make_sweep(SMALL, "search.baselines=[coop, control]", "budget.trials=8"))
    assert run(larger, lambda proposal: 3.0 if proposal.number == "7" else 1.0) == ["6", "7", "control-of-7"]


@pytest.mark.parametrize("best", ["coop", "3"])
def test_where_plain_coop_is_the_control_there_is_no_other(make_sweep, open_study, best):
    study = open_study(make_sweep(text=ONLY_PENALTY) if best == "3" else make_sweep())
    assert "control" not in " ".join(run(study, best_is(best)))


def test_another_kind_of_prompt_is_more_than_a_penalty(make_sweep, open_study):
    """The row `coop` trains CoOp whatever the sweep does, so a KgCoOp that wins needs its own control."""
    study = open_study(
        make_sweep("method.prompt=kgcoop", "search.baselines=[coop, control]", text=ONLY_PENALTY)
    )
    handed = {}

    def value(proposal):
        handed[proposal.number] = proposal
        return best_is("1")(proposal)

    assert run(study, value)[-1] == "control-of-1"
    assert handed["coop"].method.prompt == "coop" and handed["control-of-1"].method.prompt == "kgcoop"


KINDS = """
name: made
tasks: {dataset: digits, shots: 4, replicates: 2}
space:
  prompt: {choices: [coop, kgcoop]}
  omega: {choices: [0, 1]}
  beta: {choices: [0, 1]}
  lr: {choices: [0.001, 0.002]}
search: {sampler: grid, baselines: [coop, control, controls]}
budget: {trials: 16}
"""


def test_with_controls_the_best_of_every_kind_and_loss_has_its_own(make_sweep, open_study):
    """They need not wait for one another, and plain CoOp is the control of what only a penalty sets apart."""
    study = open_study(make_sweep(text=KINDS))
    handed, values = {}, {}
    for place in range(13):  # Without a penalty beta changes nothing: 12 points, and plain CoOp.
        proposal = study.next()
        handed[proposal.number] = proposal
        values[proposal.number] = 0.0 if proposal.baseline else float(place)
        study.tell(proposal.number, TrialState.COMPLETE, values[proposal.number], 1.0)
    best = {}
    for number, proposal in handed.items():
        method = proposal.method
        key = method.prompt, method.beta
        alike = method.prompt == "coop" and method.lr == 0.002
        if method.omega and not proposal.baseline and values[number] > best.get(key, ("", -1.0, True))[1]:
            best[key] = number, values[number], alike
    expected = {f"control-of-{number}" for number, _, alike in best.values() if not alike}
    assert len(expected) >= 2
    controls = {}
    while (proposal := study.next()) is not None:
        controls[proposal.number] = proposal
    assert set(controls) == expected and not study.has_more()
    for number, control in controls.items():
        original = handed[number.removeprefix("control-of-")]
        assert control.baseline == "control"
        assert control.method == original.method.model_copy(update={"omega": 0.0})


@pytest.mark.parametrize(
    ("overrides", "most"),
    [
        ((), 4),
        (("search.baselines=[control]",), 1),
        (("search.baselines=[coop]",), 0),
        (("space.beta={low: 0, high: 1}",), 6),
        (("space.beta={choices: [0, 0.5, 1]}",), 6),
        (("space.prompt=",), 2),
    ],
)
def test_how_many_there_can_be(make_sweep, overrides, most):
    if "space.prompt=" in overrides:
        sweep = make_sweep(text=KINDS.replace("  prompt: {choices: [coop, kgcoop]}\n", ""))
    else:
        sweep = make_sweep(*overrides, text=KINDS.replace("sampler: grid, ", ""))
    assert most_controls(sweep) == most
