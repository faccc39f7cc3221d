"""The joint study: one configuration for all tasks, steps that can be compared, hopeless ones stopped."""

import pytest
from optuna.trial import TrialState

from nemesis_sweep.sweep.broker import TrialBroker
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.joint import JointStudy
from nemesis_sweep.sweep.result import Report
from nemesis_sweep.sweep.trial_spec import JointTrialSpec, TrialSpec, read_trial_spec

TEXT = """
name: made
tasks: {dataset: [digits, emoji], shots: [1, 4], replicates: 2}
method: {beta: 0, epochs: 20}
space:
  omega: {low: 0.1, high: 100, log: true}
  n_ctx: {choices: [4, 8, 16]}
search: {study: joint, eval_every: 5}
budget: {trials: 6}
"""
KEYS = ["digits-1shot", "digits-4shot", "emoji-1shot", "emoji-4shot"]
LEVELS = {"digits": 80.0, "emoji": 20.0}


@pytest.fixture
def joint(make_sweep, storage):
    """The joint study of a sweep, opened as a driver would open it after a restart."""

    def open_(*overrides, text=TEXT):
        return JointStudy(make_sweep(*overrides, text=text), storage)

    return open_


def drain(study, value=50.0):
    proposals = []
    while (proposal := study.next()) is not None:
        study.tell(proposal.number, TrialState.COMPLETE, value, 1.0)
        proposals.append(proposal)
    return proposals


def test_the_budget_counts_joint_trials(joint):
    study = joint()
    assert (study.key, [task.key for task in study.tasks]) == ("joint", KEYS)
    assert study.total == 8
    proposals = drain(study)
    assert [p.number for p in proposals] == ["zero_shot", "coop", "0", "1", "2", "3", "4", "5"]
    assert proposals[2].params == {"omega": 10.0, "n_ctx": 16}
    assert all(len(p.methods) == 4 and len(set(map(str, p.methods))) == 1 for p in proposals)


def test_values_of_single_datasets_still_apply(joint):
    study = joint("method.per_dataset.emoji.epochs=30", "method.per_dataset.emoji.anneal=constant")
    coop, sampled = drain(study)[1::2][:2]
    for proposal in (coop, sampled):
        assert [method.epochs for method in proposal.methods] == [20, 20, 30, 30]
        assert [method.anneal for method in proposal.methods] == [
            "logistic",
            "logistic",
            "constant",
            "constant",
        ]
        assert len({method.n_ctx for method in proposal.methods}) == 1
    assert (study.starts, study.steps) == ([0, 20, 40, 70], 100)
    assert study.last_step(coop) == 100


def test_values_of_single_shots_still_apply_under_those_of_datasets(joint):
    study = joint("method.per_shots.4.epochs=50", "method.per_dataset.emoji.epochs=30")
    coop, sampled = drain(study)[1::2][:2]
    for proposal in (coop, sampled):
        assert [method.epochs for method in proposal.methods] == [20, 50, 30, 30]
    assert (study.starts, study.steps) == ([0, 20, 70, 100], 130)
    assert study.last_step(coop) == 130


PENALTY_IN_A_CHOICE = """
name: made
tasks: {dataset: [digits, emoji], shots: [1, 4]}
space:
  n_ctx:
    choices:
      8: {}
      16: {norm: {choices: [2, inf]}, omega: {low: 1, high: 20}}
search: {study: joint}
"""


def test_the_paper_is_a_point_only_if_it_is_one_for_all_tasks(joint, storage):
    inside = joint(text=PENALTY_IN_A_CHOICE)
    assert [p.number for p in drain(inside)[:3]] == ["zero_shot", "coop", "0"]


def test_epochs_that_are_searched_leave_every_task_its_room(joint):
    study = joint("method.epochs=null", "space.epochs={low: 5, high: 60}")
    assert study.starts == [0, 60, 120, 180]
    last = drain(study)[-1]
    assert study.last_step(last) == 180 + last.params["epochs"]


def test_steps_in_words(joint):
    study = joint()
    assert study.place(5) == f"epoch 5 of {KEYS[0]}, task 1 of 4"
    assert study.place(20) == f"epoch 20 of {KEYS[0]}, task 1 of 4"
    assert study.place(21) == f"epoch 1 of {KEYS[1]}, task 2 of 4"
    assert study.place(80) == f"epoch 20 of {KEYS[3]}, task 4 of 4"


def go_through(study, proposal, quality):
    """Report a trial's means as a worker does, until it is pruned or over; the last step."""
    levels = [LEVELS[task.dataset] + quality for task in study.tasks]
    for number, start in enumerate(study.starts):
        for epoch in (5, 10, 15, 20):
            at_hand = levels[number] - 5 + epoch / 4
            value = sum([*levels[:number], at_hand]) / (number + 1)
            if study.report(proposal.number, start + epoch, value):
                study.tell(proposal.number, TrialState.PRUNED, None, 1.0, "hopeless")
                return start + epoch
    study.tell(proposal.number, TrialState.COMPLETE, sum(levels) / len(levels), 1.0)
    return study.steps


@pytest.mark.parametrize("pruner", ["hyperband", "successive_halving", "median", "percentile"])
def test_a_hopeless_configuration_is_stopped_in_its_first_tasks(joint, pruner):
    study = joint(f"search.pruner={pruner}", "search.baselines=[]", "budget.trials=24")
    ends = {}
    while (proposal := study.next()) is not None:
        number = int(proposal.number)
        good = number % 3 == 0
        ends.setdefault(good, []).append(go_through(study, proposal, 5.0 if good else -15.0 - number / 10))
    assert max(ends[True]) == 80
    stopped = [end for end in ends[False] if end < 80]
    assert len(stopped) >= len(ends[False]) / 2
    assert min(stopped) <= 20


@pytest.mark.parametrize(("objective", "sign"), [("val/accuracy", 1), ("val/loss", -1)])
def test_an_easy_first_task_does_not_protect_a_trial(joint, objective, sign):
    """Worse only from the third task on, where all trials' values are far from those of the first two."""
    study = joint(
        f"search.objective={objective}", "search.pruner=median", "search.baselines=[]", "budget.trials=8"
    )
    for _ in range(7):
        go_through(study, study.next(), 0.0)
    late = study.next()
    assert not study.report(late.number, 20, 80.0)
    assert not study.report(late.number, 40, 80.0)
    begun_badly = (80 + 80 + 20 - sign * 19) / 3
    assert study.report(late.number, 60, begun_badly)


def test_what_a_stopped_trial_had_reached_is_told_as_a_mean(joint):
    study = joint("search.baselines=[]", "search.pruner=none")
    proposal = study.next()
    study.report(proposal.number, 20, 80.0)
    study.report(proposal.number, 45, 57.0)
    study.tell(proposal.number, TrialState.FAIL, None, 1.0, "out of memory")
    ((number, trial),) = study.trials()
    assert number == "0"
    assert trial.intermediate_values == pytest.approx({20: 20.0, 45: 42.75})
    assert study.last_value(trial) == (45, pytest.approx(57.0))


def test_the_last_report_is_the_objective_itself(joint):
    study = joint("search.baselines=[]")
    proposal = study.next()
    go_through(study, proposal, 3.0)
    trial = dict(study.trials())["0"]
    assert trial.intermediate_values[80] == pytest.approx(trial.value) == pytest.approx(53.0)


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_a_restart_changes_nothing(make_sweep, sampler):
    import optuna

    sweep = make_sweep(f"search.sampler={sampler}", "budget.trials=14", text=TEXT)

    def run(restarts):
        storage = optuna.storages.InMemoryStorage()
        study = JointStudy(sweep, storage)
        ends = []
        while (proposal := study.next()) is not None:
            if restarts:
                study = JointStudy(sweep, storage)
                assert study.next() == proposal
            ends.append((proposal.number, dict(proposal.params), go_through(study, proposal, -len(ends))))
        return ends

    whole = run(restarts=False)
    assert len(whole) == 16
    assert whole == run(restarts=True)


class Silent:
    """A person who does not watch."""

    def __init__(self):
        self.told = []

    def trial_started(self, study, number, params):
        self.told.append(("started", study, number))

    def epoch(self, study, number, epoch, epochs, metrics):
        self.told.append(("epoch", study, number, epoch, epochs, metrics))

    def trial_finished(self, study, number, state, value, seconds, reason="", candidate=None):
        self.told.append(("finished", study, number, state, value, reason))


def test_the_broker_hands_out_one_spec_with_a_part_for_each_task(joint, tmp_path, monkeypatch):
    monkeypatch.setattr("nemesis_sweep.sweep.closing.close_trial", lambda *_: True)
    study = joint("search.baselines=[]", "search.pruner=median", "method.per_dataset.emoji.lr=0.1")
    watcher = Silent()
    broker = TrialBroker(study.sweep, Home(tmp_path), [study], watcher)
    for number in range(5):
        broker.next(f"t{number}")
        broker.complete(
            f"t{number}", Report(done=True, epoch=80, seconds=1.0, metrics={"val/accuracy": 50.0})
        )
    spec = read_trial_spec(broker.next("t5"))
    assert isinstance(spec, JointTrialSpec)
    assert spec.starts == (0, 20, 40, 60)
    assert [part.task.key for part in spec.parts] == KEYS
    assert [part.method.lr for part in spec.parts] == [0.002, 0.002, 0.1, 0.1]
    assert {part.study for part in spec.parts} == {"joint"}
    assert spec.folder == tmp_path / "trials/joint/5"
    assert [part.folder for part in spec.parts] == [spec.folder / key for key in KEYS]
    for _ in range(2):
        assert not broker.report("t5", Report(epoch=15, metrics={"val/accuracy": 41.0}))
    watcher.told.clear()
    stopped = broker.report("t5", Report(epoch=80, metrics={"val/accuracy": 10.0}))
    assert stopped
    broker.complete("t5", Report(epoch=80, seconds=3.0, metrics={"val/accuracy": 10.0}))
    assert watcher.told == [
        ("epoch", "joint", "5", 80, 80, {"val/accuracy": 10.0}),
        (
            "finished",
            "joint",
            "5",
            "PRUNED",
            10.0,
            f"pruned at epoch 20 of {KEYS[3]}, task 4 of 4: 10 was not promising",
        ),
    ]


def test_a_task_of_its_own_study_is_handed_out_as_before(make_sweep, open_study, tmp_path):
    study = open_study(make_sweep())
    broker = TrialBroker(study.sweep, Home(tmp_path), [study], Silent())
    spec = read_trial_spec(broker.next("t"))
    assert isinstance(spec, TrialSpec)
    assert spec.folder == tmp_path / "trials" / study.key / "zero_shot"
