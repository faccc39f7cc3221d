"""Samplers on a space with dimensions under a choice: seeded, and quiet about what the docs say."""

import optuna
import pytest
from optuna.trial import TrialState

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.samplers import SAMPLERS
from nemesis_sweep.sweep.samplers import registry

CHOICE = """
name: made
tasks: {dataset: digits, shots: 4, replicates: 2}
method: {epochs: 20}
space:
  omega: {choices: [0.1, 1, 10]}
  n_ctx: {choices: [4, 8, 16]}
  beta:
    choices:
      1: {}
      0: {corruption: {choices: [0.1, 0.5, 0.9]}}
search: {eval_every: 5, baselines: []}
budget: {trials: 20}
"""


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_dimensions_under_a_choice_are_searched_in_silence(make_sweep, open_study, caplog, recwarn, sampler):
    extra = ["space.lr={low: 0.001, high: 0.1}"] if sampler == "cmaes" else []
    study = open_study(make_sweep(f"search.sampler={sampler}", *extra, text=CHOICE))
    optuna.logging.enable_propagation()
    try:
        while (proposal := study.next()) is not None:
            assert ("corruption" in proposal.params) == (proposal.params["beta"] == 0)
            study.tell(proposal.number, TrialState.COMPLETE, float(len(proposal.number)), 1.0)
    finally:
        optuna.logging.disable_propagation()
    assert study.counts()["complete"] >= 12
    assert not [line for line in caplog.messages if "independently" in line]
    assert not [warning for warning in recwarn if issubclass(warning.category, FutureWarning)]


def test_options_are_looked_at_once_and_not_at_every_proposal(make_sweep, open_study, monkeypatch):
    looked = []
    real = registry.sampler_faults

    def counted(*arguments):
        looked.append(arguments)
        return real(*arguments)

    # The file has been checked when it was loaded, by names of its own.
    sweep = make_sweep("search.sampler_options={n_startup_trials: 3}", text=CHOICE)
    monkeypatch.setattr(registry, "sampler_faults", counted)
    study = open_study(sweep)
    for _ in range(5):
        study.tell(study.next().number, TrialState.COMPLETE, 1.0, 1.0)
    assert len(looked) == 1


def test_options_that_a_sampler_does_not_take_are_refused_before_anything_is_proposed(make_sweep, open_study):
    """A sweep file in a home may have been altered; names are not checked when it is read."""
    sweep = make_sweep(text=CHOICE)
    wrong = sweep.model_copy(
        update={"search": sweep.search.model_copy(update={"sampler_options": {"startup": 3}})}
    )
    with pytest.raises(UserError, match="unknown option of tpe"):
        open_study(wrong)
