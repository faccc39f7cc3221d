"""`--set key=value`: what it changes, and that it is named where it is wrong."""

from pathlib import Path

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.loader import load_sweep
from tests.spec.files import KNOWN, VALID, problems_of, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path, VALID)


def test_values_are_yaml_and_keys_are_made_where_they_are_missing(path: Path) -> None:
    overrides = [
        "tasks.shots=[2, 8]",
        "tasks.shots.1=16",
        "budget.trials=4",
        "method.lr=1e-3",
        "method.words=a photo of a",
        "space.omega.high=10",
        "space.n_ctx=null",
        "tracking.mlflow=sqlite:////tmp/m.db",
        "space.norm={choices: [1, inf]}",
    ]
    sweep = load_sweep(path, overrides, KNOWN)
    assert sweep.tasks.shots == [2, 16]
    assert sweep.budget.trials == 4
    assert sweep.method.fixed() == {"beta": 0.0, "lr": 0.001, "words": "a photo of a"}
    assert sweep.space["omega"].high == 10
    assert list(sweep.space) == ["omega", "norm"]
    assert sweep.space["norm"].choices == ["1", "inf"]
    assert sweep.tracking.mlflow == "sqlite:////tmp/m.db"


@pytest.mark.parametrize("nothing", ["", "  ", "# later"])
def test_a_key_without_a_value_is_refused(path: Path, nothing: str) -> None:
    (problem,) = problems_of(path, f"method.lr={nothing}")
    assert str(problem).startswith(f"--set method.lr={nothing}: method.lr: no value; allowed: a value; null")
    assert "lr" not in load_sweep(path, ["method.lr=null"], KNOWN).method.fixed()


def test_the_last_override_counts(path: Path) -> None:
    assert load_sweep(path, ["budget.trials=4", "budget.trials=5"], KNOWN).budget.trials == 5


def test_keys_inside_of_choices_can_be_named(tmp_path: Path) -> None:
    text = VALID.replace("method:\n  beta: 0\n", "").replace(
        "space:\n", "space:\n  beta: {choices: {0: {corruption: {low: 0, high: 1}}, 0.5: {}, 1: {}}}\n"
    )
    path = write(tmp_path, text)
    sweep = load_sweep(path, ["space.beta.choices.0.corruption.high=0.5"], KNOWN)
    assert sweep.space["beta"].opened_by(0)["corruption"].high == 0.5
    for name in ("space.beta.choices.0.corruption.high", 'space.beta.choices."0.5".lr.high'):
        problems = problems_of(path, f"{name}=x")
        assert name in [problem.key for problem in problems]
        assert {problem.file for problem in problems} == {f"--set {name}=x"}


def test_null_takes_a_key_away_so_that_its_default_counts(path: Path) -> None:
    sweep = load_sweep(path, ["method.beta=null", "search.sampler=null"], KNOWN)
    assert (sweep.method.beta, sweep.search.sampler) == (1.0, "tpe")


@pytest.mark.parametrize(
    ("override", "key", "message", "nearest"),
    [
        ("budget.trials=x", "budget.trials", "wrong type", ""),
        ("budgt.trials=3", "budgt", "unknown key", "budget"),
        ("method.bta=3", "method.bta", "unknown key", "beta"),
        ("method.beta.x=3", "method.beta.x", "method.beta is 0 and holds no keys", ""),
        ("tasks.shots.7=3", "tasks.shots.7", 'no item "7" in a list of 2', ""),
        ("tasks.dataset=clpart", "tasks.dataset", "unknown dataset", "clipart"),
        ("space.omega.low=1000", "space.omega.low", "low is above high (100)", ""),
        ("space.omega.high=0.01", "space.omega.low", "low is above high (0.01)", ""),
        ("search.points=[{n_ctx: 5}]", "search.points.0.n_ctx", "outside of the search space", ""),
        ("method.omega=3", "method.omega", "both fixed and searched", ""),
        ("tasks=null", "tasks.dataset", "missing", ""),
        ("budget.trials=.nan", "budget.trials", "not a finite number", ""),
        (
            "budget.trials=[1",
            "budget.trials",
            "not YAML: while parsing a flow sequence, expected ',' or ']', but got '<stream end>'; "
            "perhaps a comma or a closing bracket is missing",
            "",
        ),
        ("budget.trials", "", "not a key and a value", ""),
        ("=3", "", "not a key and a value", ""),
        ("a..b=3", "", "not a key and a value", ""),
    ],
)
def test_a_wrong_override_is_the_place_of_its_problem(
    path: Path, override: str, key: str, message: str, nearest: str
) -> None:
    problem = problems_of(path, override)[0]
    assert (problem.key, problem.message, problem.nearest) == (key, message, nearest)
    assert problem.file == f"--set {override}"


def test_an_override_repairs_what_the_file_says_wrong(tmp_path: Path) -> None:
    path = write(tmp_path, VALID.replace("low: 0.1, high: 100", "low: 0.1, low: .nan, high: 100"))
    assert {problem.message for problem in problems_of(path)} == {
        "written twice, first on line 8",
        "not a finite number",
    }
    assert load_sweep(path, ["space.omega.low=1"], KNOWN).space["omega"].low == 1.0
    assert load_sweep(path, ["space.omega={low: 1, high: 2}"], KNOWN).space["omega"].low == 1.0


def test_wrong_overrides_stand_beside_what_is_wrong_in_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, VALID.replace("tpe", "tpee"))
    told = [(problem.file, problem.key) for problem in problems_of(path, "budget.trials=x", "a")]
    assert told == [
        (str(path), "search.sampler"),
        ("--set a", ""),
        ("--set budget.trials=x", "budget.trials"),
    ]


def test_overrides_of_an_empty_file_are_told_as_such(tmp_path: Path) -> None:
    problems = problems_of(write(tmp_path, ""), "budget.trials=3")
    assert [problem.message for problem in problems] == ["empty"]
    problems = problems_of(write(tmp_path, "- a"), "budget.trials=3")
    assert {problem.message for problem in problems} == {"wrong type", "the sweep file is not a mapping"}


def test_shots_are_numbers_in_the_key_too(path: Path) -> None:
    sweep = load_sweep(path, ["method.per_shots.4.epochs=30", "method.per_shots.4.epochs=40"], KNOWN)
    assert sweep.method.values("clipart", 4) == {"beta": 0.0, "epochs": 40}
    (problem,) = problems_of(path, "method.per_shots.8.epochs=30")
    assert str(problem).endswith("method.per_shots.8: no task has this number of shots; allowed: 1, 4")


def test_an_override_that_takes_tasks_away_takes_their_values_along(tmp_path: Path) -> None:
    text = VALID.replace("[clipart]", "[clipart, emoji]").replace(
        "  beta: 0\n", "  per_shots: {1: {epochs: 50}, 4: {epochs: 100}}\n  per_dataset: {emoji: {lr: 1}}\n"
    )
    path = write(tmp_path, text)
    sweep = load_sweep(path, ["tasks.dataset=clipart", "tasks.shots=[4, 16]"], KNOWN)
    assert list(sweep.method.per_shots) == [4]
    assert sweep.method.per_dataset == {}
    # What the file itself has no task for is a mistake still.
    (problem,) = problems_of(write(tmp_path, text.replace("4: {epochs", "5: {epochs")), "tasks.shots=4")
    assert problem.key == "method.per_shots.5"


@pytest.mark.parametrize("text", ["\x1b=", "a\x1b.b=[", "name.\x1b=3"])
def test_a_key_that_cannot_be_printed_is_told_escaped(path: Path, text: str) -> None:
    with pytest.raises(UserError) as caught:
        load_sweep(path, [text])
    for problem in caught.value.problems:
        assert "\\u001b" in problem.key and problem.key.isprintable()
