"""What MLflow shows of a trial: the name of its run, its description, its parameters and its tags."""

from nemesis_sweep.sweep.logged import params_and_tags, varied
from nemesis_sweep.sweep.trial_words import TrialWords, running_name


def words(**more):
    facts = {
        "study": "digits-4shot", "number": "6", "baseline": "", "params": {"omega": 3.1623, "n_ctx": 8},
        "objectives": ("val/accuracy",), "measured": {"val/accuracy": 71.21, "test/accuracy": 70.04},
        "replicates": {"val/accuracy": [70.0, 72.42]},
    }  # fmt: skip
    return TrialWords(**{**facts, **more})


def test_a_name_says_the_score_first_then_the_parameters_then_whose_it_is():
    assert words().name == "val 71.2 · omega 3.16 · n_ctx 8 · digits-4shot #6"
    assert running_name("digits-4shot", "6", "", {"omega": 3.1623}) == "omega 3.16 · digits-4shot #6"


def test_a_pruned_and_a_failed_trial_say_so():
    assert words(state="PRUNED", measured={"val/accuracy": 20.0}).name == (
        "pruned · val 20.0 · omega 3.16 · n_ctx 8 · digits-4shot #6"
    )
    assert words(state="FAIL", measured={}).name == "failed · omega 3.16 · n_ctx 8 · digits-4shot #6"


def test_a_baseline_has_its_label():
    assert words(number="coop", baseline="coop", params={}).name == "val 71.2 · plain CoOp · digits-4shot"
    control = words(number="control-of-6", baseline="control", params={}).name
    assert control == "val 71.2 · the same, omega 0, of trial 6 · digits-4shot"


def test_a_description_has_tables_and_the_reason():
    note = words().note
    assert "| omega | 3.16 |" in note
    assert "| val/accuracy | 71.2 | ± 1.7 (2) |" in note
    assert "| test/accuracy | 70.0 | - |" in note
    assert "PRUNED: not promising." in words(state="PRUNED", reason="not promising").note
    assert "\\|" in words(params={"prompt": "a|b"}).note


def test_only_what_differs_between_trials_is_a_parameter(make_sweep):
    sweep = make_sweep("tasks.shots=[1, 4]", "method.per_shots={4: {epochs: 7}}")
    names = varied(sweep)
    assert {"shots", "epochs", *sweep.space} == set(names)
    task = sweep.task_list()[1]
    values = {"omega": 0.0, "epochs": 7, "lr": 0.002, "seeds": [1, 2]}
    params, tags = params_and_tags([task], "", {"omega": 100.0}, values, names)
    assert params == {"shots": "4", "epochs": 7, "omega": 100.0, "log10_omega": 2.0}
    assert tags["lr"] == 0.002 and tags["seeds"] == [1, 2]
    assert (tags["shots"], tags["dataset"], tags["state"]) == ("4", task.dataset, "RUNNING")
    plain, _ = params_and_tags([task], "coop", {}, values, names)
    assert plain["omega"] == 0.0 and "log10_omega" not in plain
