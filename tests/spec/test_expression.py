"""Constraints: what they mean, what they refuse, and that nothing is ever run."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nemesis_sweep.spec.expression import BROKEN, LARGEST, ConditionError, parse_condition
from nemesis_sweep.spec.method import Method, visible_values

VALUES = {
    **visible_values(Method(n_ctx=8, n_positions=2, omega=3.0, views="epochs").model_dump()),
    **{"norm/mean": 2.5, "val/accuracy": 60.0, "seconds": 60.0},
}


@pytest.mark.parametrize(
    ("text", "excess"),
    [
        ("norm/mean <= 3", -0.5),
        ("norm/mean >= 3", 0.5),
        ("norm/mean == 2.5", 0.0),
        ("n_ctx * n_positions <= 32", -16.0),
        ("n_ctx/n_positions <= 3", 1.0),
        ("2 * val/accuracy >= 100", -20.0),
        ("1 <= omega <= 2", 1.0),
        ("omega <= 2 or n_ctx <= 8", 0.0),
        ("omega <= 2 and n_ctx <= 8", 1.0),
        ("max(omega, n_ctx, 1) - min(omega, 1) <= -abs(-2) + 2 ** 3", 1.0),
        ("log(exp(omega)) <= 4", -1.0),
        ("not csc", -BROKEN),
        ("csc", BROKEN),
        ('class_position == "end"', -BROKEN),
        ("class_position != 'end' or norm == 'inf'", BROKEN),
        ("views == epochs", 0.0),
    ],
)
def test_what_a_condition_is_worth(text: str, excess: float) -> None:
    condition = parse_condition(text)
    assert condition.excess(VALUES) == pytest.approx(excess)
    assert condition.kept(VALUES) == (excess <= 0)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("seconds < 60", False),
        ("seconds <= 60", True),
        ("seconds > 60", False),
        ("not seconds > 60", True),
        ("not seconds <= 60", False),
        ("seconds != 60", False),
        ("not seconds != 60", True),
        ("not (seconds == 60 and csc)", True),
    ],
)
def test_ties_are_told_apart(text: str, kept: bool) -> None:
    assert parse_condition(text).kept(VALUES) == kept


@pytest.mark.parametrize(
    "text",
    [
        *("prompt_depth <= 3", "n_prompts <= 2", "n_prompts > 9", "n_ctx * n_prompts <= 9", "csc", "not csc"),
        *("not (n_prompts > 2)", "not (not n_prompts <= 2)", "1 <= n_ctx_vision < 4", "adam_beta1 < 0.5"),
        *('prompt_encoder == "mlp"', "omega > 9 or prompt_depth <= 3", 'prompt == "coop" or vision_last < 3'),
    ],
)
def test_what_another_kind_has_excludes_no_trial(text: str) -> None:
    values = {**VALUES, "prompt": "prefix" if "depth" not in text else "ptuning"}
    assert parse_condition(text).kept(values)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        *(("prompt_depth <= 3", False), ("prompt == 'prefix' and n_prompts <= 2", True)),
        *(("prompt == 'plot' and n_prompts <= 2", False), ("prompt_depth <= 3 and n_ctx <= 4", False)),
    ],
)
def test_what_its_own_kind_has_does(text: str, kept: bool) -> None:
    """`prompt_depth` is none here, so it cannot be computed."""
    assert parse_condition(text).kept({**VALUES, "prompt": "prefix"}) == kept


@pytest.mark.parametrize("text", ["1 / (omega - 3) < 5", "log(0) < 1", "9**9**9**9 < 1", "(-1)**0.5 < 1"])
def test_what_cannot_be_computed_is_broken(text: str) -> None:
    assert parse_condition(text).excess(VALUES) == BROKEN


def test_what_is_not_there_or_not_a_number_is_broken() -> None:
    condition = parse_condition("norm/mean <= 3")
    assert condition.excess({}) == BROKEN
    assert condition.excess({"norm/mean": math.nan}) == BROKEN
    assert condition.excess({"norm/mean": math.inf}) == LARGEST


def test_parameters_and_metrics_are_known() -> None:
    condition = parse_condition("norm/mean * n_ctx/n_positions < 3 and (not csc or norm != 'a/b')")
    assert condition.metrics == {"norm/mean"}
    assert condition.parameters == {"n_ctx", "n_positions", "csc", "norm"}


@pytest.mark.parametrize(
    ("text", "message", "near"),
    [
        ("nctx <= 4", "unknown name nctx", "n_ctx"),
        ("val/acuracy > 1", "unknown name val/acuracy", "val/accuracy"),
        ("n_ctx/n_postions > 1", "unknown name n_ctx/n_postions", "n_positions"),
        ("n_ctx", "no condition, only a value", ""),
        ("n_ctx + 1", "no condition, only a value", ""),
        ("csc < 2", "csc is true or false, not a number", ""),
        ("norm < 2", "a text can only be compared with a text", ""),
        ("omega in (1, 2)", "(1, 2) is no number and makes none", ""),
        ("omega is 3", "a comparison that is not supported", ""),
        ("max(omega) < 2", "max of 1 value", ""),
        ("log(omega, 2) < 2", "log of 2 values", ""),
        ("omega <", "not an expression", ""),
        ("", "not an expression", ""),
        ("omega < 1; omega", "not an expression", ""),
        ("__import__('os').getpid() < 1", "__import__('os').getpid() is no number and makes none", ""),
        ("(lambda: 1)() < 2", "(lambda: 1)() is no number and makes none", ""),
        ("[omega][0] < 2", "[omega][0] is no number and makes none", ""),
        ("omega.real < 2", "omega.real is no number and makes none", ""),
        ("min(*[omega]) < 2", "min of 1 value", ""),
        ("(x := 1) < 2", "(x := 1) is no number and makes none", ""),
        ("True < 2", "True is no number and makes none", ""),
        ("1" * 299 + "<2", "too long for a constraint", ""),
    ],
)
def test_what_is_no_condition(text: str, message: str, near: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse_condition(text)
    assert caught.value.message == message
    assert caught.value.near == near


WORDS = [
    "n_ctx",
    "omega",
    "norm/mean",
    "val/",
    "csc",
    "<",
    "<=",
    "==",
    "and",
    "or",
    "not",
    "(",
    ")",
    "3",
    "**",
]
TEXTS = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from([*WORDS, "-", "/", "*", "max(", ",", "'a'", "9e99", "lambda"]), max_size=30).map(
        " ".join
    ),
)


@settings(max_examples=500, derandomize=True)
@given(TEXTS)
def test_any_text_is_a_condition_or_is_refused(text: str) -> None:
    try:
        condition = parse_condition(text)
    except ConditionError as error:
        assert error.message
        return
    assert math.isfinite(condition.excess(VALUES))
