"""How problems read, and what counts as near."""

import pickle

import pytest

from nemesis_sweep.messages.errors import Problem, UserError, nearest


def test_a_full_problem_reads_as_one_line() -> None:
    problem = Problem(
        "out of range", "tasks.shots.0", "pan.yaml", 7, found="0", allowed="a whole number >= 1", nearest="x"
    )
    assert str(problem) == (
        "pan.yaml:7: tasks.shots.0: out of range; found 0; allowed: a whole number >= 1. Did you mean 'x'?"
    )


def test_parts_that_are_not_known_leave_no_trace() -> None:
    assert str(Problem("no such file", file="pan.yaml")) == "pan.yaml: no such file"
    assert str(Problem("just a sentence")) == "just a sentence"


def test_a_text_alone_makes_an_error() -> None:
    error = UserError("port 5000 is in use")
    assert str(error) == "port 5000 is in use"
    assert error.problems == [Problem("port 5000 is in use")]


def test_several_problems_are_all_told_and_counted() -> None:
    text = str(UserError([Problem("one", "a"), Problem("two", "b")]))
    assert text.splitlines() == ["2 problems:", "  a: one", "  b: two"]


def test_an_error_survives_the_way_between_processes() -> None:
    error = UserError([Problem("one", "a", "f", 3), Problem("two")])
    assert pickle.loads(pickle.dumps(error)).problems == error.problems


@pytest.mark.parametrize(
    ("name", "expected"),
    [("clpart", "clipart"), ("CLIPART", "clipart"), ("emojis", "emoji"), ("zebra", ""), ("", "")],
)
def test_nearest(name: str, expected: str) -> None:
    assert nearest(name, ["clipart", "emoji", "digits"]) == expected
