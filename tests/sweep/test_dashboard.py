"""What optuna-dashboard and other readers of the storage find beside the trials."""

import math

import optuna
import pytest
from optuna.trial import TrialState

from nemesis_sweep.sweep.storage.database import open_database
from nemesis_sweep.sweep.storage.journal import Journal
from nemesis_sweep.sweep.study import TaskStudy

TWO_NAMES = ["val/accuracy", "norm/mean"]
TWO = "search.objective=[val/accuracy, norm/mean]"


@pytest.fixture(params=["journal", "sqlite"])
def storage(request, tmp_path):
    if request.param == "journal":
        return Journal(tmp_path / "optuna.journal")
    return open_database(f"sqlite:///{tmp_path / 'trials.db'}", "made-12345678")


def names(storage):
    return {
        name: optuna.load_study(study_name=name, storage=storage).metric_names
        for name in optuna.get_all_study_names(storage)
    }


def test_values_have_the_names_of_the_objectives(make_sweep, open_study, storage):
    study = open_study(make_sweep(TWO))
    assert names(storage) == dict.fromkeys((study.key, f"{study.key}/baselines"), TWO_NAMES)


def test_a_home_from_before_gets_the_names_on_its_next_run(make_sweep, open_study, storage):
    sweep = make_sweep()
    (task,) = sweep.task_list()
    study = optuna.create_study(storage=storage, study_name=task.key, directions=["maximize"])
    assert study.metric_names is None
    open_study(sweep)
    assert names(storage)[task.key] == ["val/accuracy"]


def test_baselines_stand_among_the_attributes_of_the_proposals_study(make_sweep, open_study, storage):
    study = open_study(make_sweep(TWO, "search.baselines=[zero_shot, coop]"))
    for values in ((30.0, math.inf), (50.0, 0.25)):
        study.tell(study.next().number, TrialState.COMPLETE, values, seconds=1.0)
    shown = {"zero_shot val/accuracy": 30.0, "coop val/accuracy": 50.0, "coop norm/mean": 0.25}
    assert study.study.user_attrs == shown
    study.tell(study.next().number, TrialState.FAIL, None, seconds=1.0)
    assert study.study.user_attrs == shown


def test_a_baseline_of_a_home_from_before_is_shown_on_its_next_run(
    make_sweep, open_study, storage, monkeypatch
):
    sweep = make_sweep("search.baselines=[coop]")
    with monkeypatch.context() as patch:
        patch.setattr(TaskStudy, "_show_baselines", lambda study: None)
        study = open_study(sweep)
        study.tell(study.next().number, TrialState.COMPLETE, 50.0, seconds=1.0)
    assert open_study(sweep).study.user_attrs == {"coop val/accuracy": 50.0}


@pytest.mark.parametrize("storage", ["journal"], indirect=True)
def test_a_restart_writes_nothing_that_is_there(make_sweep, open_study, storage, tmp_path):
    sweep = make_sweep("search.baselines=[coop]")
    study = open_study(sweep)
    study.tell(study.next().number, TrialState.COMPLETE, 50.0, seconds=1.0)
    shown = (tmp_path / "optuna.journal").read_text()
    open_study(sweep)
    again = (tmp_path / "optuna.journal").read_text()
    for name in ("metric_names", "coop val/accuracy"):
        assert again.count(name) == shown.count(name) > 0
