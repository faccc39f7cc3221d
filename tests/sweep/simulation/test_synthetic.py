"""The synthetic response: the same question, the same answer; and it has something to find."""

import pytest

from nemesis_sweep.spec.baselines import BASELINES, COOP
from nemesis_sweep.spec.configuration import configuration
from nemesis_sweep.sweep.simulation.synthetic import SyntheticResponse
from nemesis_sweep.sweep.space.baselines import baseline_method
from nemesis_sweep.sweep.trial_spec import TrialSpec


@pytest.fixture
def ask(make_sweep):
    sweep = make_sweep()
    task = sweep.task_list()[0]

    def ask_(response, params, baseline="", seeds=(1, 2, 3)):
        method = baseline_method(sweep, task, baseline) if baseline else configuration(sweep, task, params)
        return response.curve(TrialSpec("", task, baseline or "0", baseline, params, method, seeds, 5, 1))

    ask_.space = sweep.space
    return ask_


def last(curve, name="val/accuracy"):
    values = curve.metrics[-1][name]
    return sum(values) / len(values)


def test_the_same_question_has_the_same_answer(ask):
    params = {"omega": 2.0, "n_ctx": 8}
    curve = ask(SyntheticResponse(ask.space), params)
    assert ask(SyntheticResponse(ask.space), params) == curve
    assert ask(SyntheticResponse(ask.space, seed=1), params) != curve
    assert ask(SyntheticResponse(ask.space), {**params, "omega": 2.1}) != curve


def test_a_seed_moves_all_trials_alike(ask):
    """Seed 1's replicate is not changed by its neighbours' seeds being others."""
    response, params = SyntheticResponse(ask.space), {"omega": 2.0, "n_ctx": 8}
    all_three = ask(response, params, seeds=(1, 2, 3)).metrics[-1]["test/accuracy"]
    shifted = ask(response, params, seeds=(1, 7, 8)).metrics[-1]["test/accuracy"]
    assert shifted[0] == all_three[0]
    assert shifted[1:] != all_three[1:]


def test_there_is_something_to_find_and_curves_rise(ask):
    response = SyntheticResponse(ask.space)
    omegas = [0.1 * 10 ** (step / 10) for step in range(31)]
    curves = {(o, n): ask(response, {"omega": o, "n_ctx": n}) for o in omegas for n in (4, 8, 16)}
    ends = [last(curve) for curve in curves.values()]
    assert max(ends) - min(ends) > 8
    assert all(0 <= value <= 100 for value in ends)
    firsts = [sum(curve.metrics[0]["val/accuracy"]) / 3 for curve in curves.values()]
    assert sum(a < b for a, b in zip(firsts, ends, strict=True)) > 0.9 * len(ends)
    # The best after 5 epochs is not simply the best at the end.
    assert max(range(len(ends)), key=firsts.__getitem__) != max(range(len(ends)), key=ends.__getitem__)


def test_zero_shot_trains_nothing(ask):
    response = SyntheticResponse(ask.space)
    curve = ask(response, {}, "zero_shot")
    assert curve.epochs == (0,)
    assert len(set(curve.metrics[0]["test/accuracy"])) == 1
    assert last(ask(response, {}, COOP)) > last(curve)


def test_a_linear_probe_is_not_zero_shot(ask):
    """It learns from the images of each seed."""
    response = SyntheticResponse(ask.space)
    probe, none = ask(response, {}, "linear_probe"), ask(response, {}, "zero_shot")
    assert probe.epochs == none.epochs == (0,)
    assert len(set(probe.metrics[0]["test/accuracy"])) == 3
    assert abs(last(probe) - last(none)) > 1


def test_rows_that_learn_without_a_prompt_are_not_all_the_same(ask):
    response = SyntheticResponse(ask.space)
    names = [name for name, row in BASELINES.items() if not row.trains and row.learns]
    assert len({last(ask(response, {}, name)) for name in names}) == len(names) > 1


def test_a_confirmation_has_noise_of_its_own_and_the_quality_of_its_setting(make_sweep, ask):
    """Else what chose a trial would be met again; the same question still has the same answer."""
    sweep, response = make_sweep(), SyntheticResponse(ask.space)
    task, params, seeds = sweep.task_list()[0], {"omega": 2.0, "n_ctx": 8}, tuple(range(4, 44))
    method = configuration(sweep, task, params)
    spec = TrialSpec("", task, "confirm-of-0", "confirm", {}, method, seeds, 5, 1)
    confirmed, plain = response.curve(spec), ask(response, params, seeds=seeds)
    assert confirmed == response.curve(spec) and confirmed != plain
    assert last(confirmed) == pytest.approx(last(plain), abs=1)
