"""Steps of a range: the high is the last of them, or the file is refused."""

import json
import math
import random
import warnings
from pathlib import Path

import optuna
import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.dimensions import FloatRange, IntRange
from nemesis_sweep.spec.draw import all_points, size
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.steps import is_exact, snapped, steps, value_at
from nemesis_sweep.sweep.space.proposals import distribution, suggest
from tests.spec.files import KNOWN, VALID, problems_of, write

PI = math.pi
MADE = "name: made\ntasks: {dataset: [clipart]}\nmethod: {omega: 1, beta: 0}\nspace:\n"
RANGES = [
    (0.0, 1.0, 0.1),
    (0.1, 0.9, 0.2),
    (PI / 4, PI / 4 + 7 * PI / 2, PI / 2),
    (0.0, 1.0, 1 / 3),
    (1 / 7, 1.0, 1 / 7),
    (1e-5, 1e-4, 1e-5),
    (0.1, 0.1 + 6 * math.sqrt(2), math.sqrt(2)),
    (-1.0, 1.0, 2 / 9),
    (0.0, 3e5, 0.3),
]


@pytest.mark.parametrize(("low", "high", "step"), RANGES)
def test_the_top_of_a_range_that_divides_is_kept(low: float, high: float, step: float) -> None:
    dimension = FloatRange(low=low, high=high, step=step)
    last = steps(dimension)
    assert last == round((high - low) / step)
    assert (value_at(dimension, 0), value_at(dimension, last)) == (low, high)
    assert dimension.contains(high)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = distribution(dimension)
    assert (made.low, made.high, made.step) == (low, high, step if is_exact(dimension) else None)
    values = [value_at(dimension, count) for count in range(min(last, 1000) + 1)]
    assert all(dimension.contains(value) for value in values)
    assert [snapped(dimension, value + 0.4 * step) for value in values[:-1]] == values[:-1]
    assert snapped(dimension, high + step) == high


def test_every_point_of_such_a_range_can_be_a_trial() -> None:
    """As a grid tries them, through Optuna and back from its storage."""
    low, high, step = RANGES[2]
    space = {"omega": FloatRange(low=low, high=high, step=step)}
    points = list(all_points(space))
    assert size(space) == len(points) == 8
    assert points[-1] == {"omega": high}
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for point in points:
            study.enqueue_trial(point)
            assert suggest(study.ask(), space) == point


@pytest.mark.parametrize(
    ("put", "message", "found", "allowed"),
    [
        (
            "omega: {low: 0, high: 1, step: 0.3}",
            "the steps do not lead to high (1.0): the last value would be 0.9",
            "0.3",
            "high: 0.9, or step: 0.25",
        ),
        (
            "omega: {low: 0, high: 1, step: 5}",
            "the steps do not lead to high (1.0): the last value would be 0.0",
            "5.0",
            "step: 1.0",
        ),
        (
            "n_ctx: {low: 4, high: 16, step: 5}",
            "the steps do not lead to high (16): the last value would be 14",
            "5",
            "high: 14, or step: 4 or 6",
        ),
    ],
)
def test_steps_that_miss_the_high(tmp_path: Path, put: str, message: str, found: str, allowed: str) -> None:
    text = f"name: made\ntasks: {{dataset: [clipart]}}\nspace:\n  {put}\n"
    (told,) = problems_of(write(tmp_path, text))
    assert (told.line, told.key) == (4, f"space.{put.partition(':')[0]}.step")
    assert (told.message, told.found, told.allowed) == (message, found, allowed)


@pytest.mark.parametrize("step", ["1e30", "1e38", "9223372036854775807", "1e-300", "5e-324", "1e-9"])
@pytest.mark.parametrize(
    "put", ["lr: {low: 0.001, high: 0.1", "corruption: {low: 0.5, high: 1.5", "epochs: {low: 1, high: 50"]
)
@pytest.mark.parametrize("log", ["", ", log: true"])
def test_huge_and_tiny_steps_are_one_error(tmp_path: Path, put: str, step: str, log: str) -> None:
    text = f"{MADE}  {put}, step: {step}{log}}}\n"
    (told,) = problems_of(write(tmp_path, text))
    assert (told.line, told.key) == (5, f"space.{put.partition(':')[0]}.step")
    if not log and float(step) > 1:
        assert told.message.startswith("the steps do not lead to high")
        assert told.allowed in ("step: 0.099", "step: 1.0", "step: 49")
    elif not log and "epochs" not in put:
        assert told.message == "the step is so small that the range has more than 1000000 values"


def test_what_is_allowed_in_place_of_a_step_holds(tmp_path: Path) -> None:
    """Every hint, put into the file, is valid."""
    seen = 0
    for number in range(300):
        rng = random.Random(number)
        name = rng.choice(["lr", "corruption", "momentum", "epochs", "n_ctx"])
        low, high = sorted(rng.sample(range(1, 40), 2))
        scale = 1 if name in ("epochs", "n_ctx") else 0.02
        given = {"low": low * scale, "high": high * scale, "step": rng.randint(1, 45) * scale}
        try:
            load_sweep(write(tmp_path, f"{MADE}  {name}: {json.dumps(given)}\n"), known=KNOWN)
        except UserError as error:
            (problem,) = error.problems
            for hint in problem.allowed.split(", or "):
                assert hint != "no step"
                key, values = hint.split(": ")
                for value in values.split(" or "):
                    right = {**given, key: float(value) if scale < 1 else int(value)}
                    load_sweep(write(tmp_path, f"{MADE}  {name}: {json.dumps(right)}\n"), known=KNOWN)
                    seen += 1
    assert seen > 100


def test_whole_numbers_are_counted_exactly() -> None:
    assert value_at(IntRange(low=0, high=1000000000500, step=100000000000), 10) == 1000000000000


def test_steps_under_a_choice_and_in_an_override(tmp_path: Path) -> None:
    path = write(tmp_path, VALID)
    space = (
        "{beta: {choices: {0: {corruption: {low: 0, high: 1, step: 0.4}}, 1: {}}}, omega: {low: 1, high: 2}}"
    )
    (problem,) = problems_of(path, "method.beta=null", f"space={space}")
    assert problem.key == "space.beta.choices.0.corruption.step"
    assert "high: 0.8, or step: 0.5" in problem.allowed


def test_whole_numbers_have_whole_steps() -> None:
    dimension = IntRange(low=20, high=100, step=40)
    assert [value_at(dimension, count) for count in range(3)] == [20, 60, 100]
