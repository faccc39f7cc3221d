"""Our Hyperband against Optuna's own: the same verdict on every report, and the same after a restart."""

import optuna
import pytest
from optuna.trial import TrialState

from nemesis_sweep.sweep.pruners.hyperband import Hyperband

optuna.logging.set_verbosity(optuna.logging.ERROR)
EPOCHS = (5, 10, 15, 30, 45, 50)


def verdicts(pruner, direction, trials=90, restart_at=None, remake=None):
    """Reports of seeded trials, two of them running at a time; the verdict on each."""
    import random

    rng = random.Random(0)
    storage = optuna.storages.InMemoryStorage()
    study = optuna.create_study(storage=storage, study_name="s", direction=direction, pruner=pruner)
    told, running = [], []
    for number in range(trials):
        if number == restart_at:
            study.pruner = remake()
        running.append((study.ask(), rng.uniform(0, 100), iter(EPOCHS)))
        while len(running) > 1:
            place = rng.randrange(len(running))
            trial, quality, epochs = running[place]
            epoch = next(epochs, None)
            value = round(quality + rng.gauss(0, 5), 0)  # rounded, so that there are ties
            if epoch is None:
                study.tell(trial, value)
                running.pop(place)
                continue
            trial.report(value if rng.random() > 0.02 else float("nan"), epoch)
            told.append((trial.number, epoch, trial.should_prune()))
            if told[-1][-1]:
                study.tell(trial, state=TrialState.PRUNED)
                running.pop(place)
    return told


OPTIONS = [
    {"min_resource": 5, "max_resource": 50, "reduction_factor": 3},
    {"min_resource": 5, "max_resource": 50, "reduction_factor": 2, "bootstrap_count": 3},
    {"min_resource": 10, "max_resource": "auto"},
]


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_its_verdicts_are_those_of_optuna(options, direction):
    theirs = verdicts(optuna.pruners.HyperbandPruner(**options), direction)
    ours = verdicts(Hyperband(**options), direction)
    assert ours == theirs
    assert 0 < sum(stop for _, _, stop in ours) < len(ours)


def test_a_new_driver_judges_as_the_old_one_would_have():
    options = OPTIONS[0]
    whole = verdicts(Hyperband(**options), "maximize")
    assert (
        verdicts(Hyperband(**options), "maximize", restart_at=47, remake=lambda: Hyperband(**options))
        == whole
    )


def test_samplers_learn_from_the_trials_of_their_bracket_as_with_optunas():
    def proposals(pruner):
        sampler = optuna.samplers.TPESampler(seed=1, n_startup_trials=4)
        study = optuna.create_study(study_name="s", sampler=sampler, pruner=pruner)
        for _ in range(40):
            trial = study.ask()
            x = trial.suggest_float("x", 0, 1)
            trial.report(x, 5)
            study.tell(trial, x) if not trial.should_prune() else study.tell(trial, state=TrialState.PRUNED)
        return [trial.params["x"] for trial in study.trials]

    options = OPTIONS[0]
    assert proposals(Hyperband(**options)) == proposals(optuna.pruners.HyperbandPruner(**options))


def test_a_verdict_does_not_look_at_the_other_trials(monkeypatch):
    # Optuna draws a trial's bracket from the study's name: at the last epoch every bracket has a verdict.
    study = optuna.create_study(study_name="s", direction="maximize", pruner=Hyperband(5, 50))
    trial = study.ask()
    trial.report(1.0, 50)
    trial.should_prune()
    monkeypatch.setattr(optuna.Study, "_get_trials", None)
    trial = optuna.Trial(study, study._storage.create_new_trial(0))
    trial.report(2.0, 50)
    assert trial.should_prune() in (True, False)
