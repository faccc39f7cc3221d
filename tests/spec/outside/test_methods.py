"""Fields of prompts from outside: fixed, searched and conditional, as the fields of all others."""

from pathlib import Path

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.compare import diff
from nemesis_sweep.spec.configuration import configuration
from nemesis_sweep.spec.dump import resolved, sweep_to_yaml
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.outside.methods import read_method
from tests.spec.files import KNOWN, problems_of, write
from tests.spec.outside.parts import KINDS

DEEP = "own_kinds:Deep"
HEAD = "name: own\ntasks: {dataset: [clipart], shots: [1, 4]}\n"
BOTH = f"""
method: {{pull: 1, anneal: "own_kinds:halves", per_shots: {{4: {{pull: 2}}}}}}
space:
  omega: {{low: 0.1, high: 10, log: true}}
  prompt:
    choices:
      coop: {{csc: {{choices: [true, false]}}}}
      {DEEP}: {{depth: {{low: 1, high: 3}}, side: {{choices: [left, right]}}}}
search: {{constraints: [depth * n_ctx <= 48, "side != 'up'"]}}
"""


@pytest.fixture
def sweep_of(tmp_path: Path):
    """A sweep of the text of its sections, beside the module of kinds."""
    (tmp_path / "own_kinds.py").write_text(KINDS)
    return lambda text, *overrides: load_sweep(write(tmp_path, HEAD + text), overrides, KNOWN)


def told(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "own_kinds.py").write_text(KINDS)
    path = write(tmp_path, HEAD + text)
    return [str(problem).removeprefix(f"{path}:") for problem in problems_of(path)]


def test_fields_are_fixed_searched_and_conditional(sweep_of):
    sweep = sweep_of(BOTH)
    one, four = sweep.task_list()
    point = {"omega": 1.0, "prompt": DEEP, "depth": 3, "side": "right"}
    deep = configuration(sweep, four, point)
    assert (deep.prompt, deep.depth, deep.pull, deep.side) == (DEEP, 3, 2.0, "right")
    assert configuration(sweep, one, point).pull == 1.0
    plain = configuration(sweep, one, {"omega": 1.0, "prompt": "coop", "csc": True})
    assert type(plain) is Method
    assert read_method(deep.model_dump()) == deep
    small, large = sweep.search.conditions
    assert small.kept({**deep.model_dump()}) and not small.kept({**deep.model_dump(), "n_ctx": 17})
    assert large.kept(plain.model_dump()), "a trial of another kind has the field's default"
    with pytest.raises(UserError, match="depth: out of range; found 0"):
        configuration(sweep, one, {**point, "depth": 0})


def test_the_resolved_file_says_the_same(sweep_of, tmp_path):
    sweep = sweep_of(BOTH)
    again = load_sweep(write(tmp_path, sweep_to_yaml(sweep)), known=KNOWN)
    assert resolved(again) == resolved(sweep)
    assert diff(sweep, again) == []
    assert resolved(sweep)["method"]["pull"] == 1.0
    assert "pull" not in resolved(sweep_of("method: {omega: 1}\nbudget: {trials: 0}"))["method"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            f'method: {{prompt: "{DEEP}"}}\nspace: {{depth: {{low: 0, high: 3}}}}',
            "4: space.depth.low: out of range; found 0; allowed: a whole number >= 1",
        ),
        (
            f'method: {{prompt: "{DEEP}", dept: 3}}',
            "3: method.dept: unknown key; allowed: prompt, n_ctx",
        ),
        (
            f'method: {{prompt: "{DEEP}"}}\nspace: {{csc: {{choices: [true, false]}}}}',
            "4: space.csc: searching csc can change nothing, as only coop and kgcoop",
        ),
        (
            f'method: {{depth: 2}}\nspace: {{prompt: {{choices: [coop, "{DEEP}"]}}}}\nsearch: {{points: '
            f'[{{prompt: "{DEEP}", depth: 2}}]}}',
            "5: search.points.0.depth: not searched",
        ),
        (
            f'method: {{prompt: "{DEEP}", anchor_weight: 2}}',
            f"3: method.anchor_weight: {DEEP} has no anchor_weight; found 2.0; allowed",
        ),
        (
            'method: {prompt: "own_kinds:Long"}',
            "3: method.prompt: own_kinds:Long has a field `n_ctx` of its own, as every method has; found",
        ),
        (
            'space: {prompt: {choices: ["own_kinds:Texts", "own_kinds:Other"]}}',
            "3: space.prompt.choices.1: own_kinds:Other has a field `depth` of its own, as own_kinds:Texts",
        ),
        (
            'method: {prompt: "own_kinds:Need"}',
            "3: method.prompt: own_kinds:Need has a field `depth` without a",
        ),
        (
            'method: {prompt: "own_kinds:Take"}',
            "3: method.prompt: own_kinds:Take has a field `kinds`, a name",
        ),
        (
            'method: {prompt: "own_kinds:Measure"}',
            "3: method.prompt: own_kinds:Measure has a field `seconds`, a",
        ),
        ('method: {prompt: "own_kinds:Odd"}', "3: method.prompt: own_kinds:Odd has `fields` that are none"),
        ('method: {prompt: "own_kinds:halves"}', "3: method.prompt: own_kinds:halves is no kind of prompt"),
        (
            'method: {prompt: "own_kinds:Dep"}',
            "3: method.prompt: own_kinds has no Dep",
        ),
        ('method: {prompt: "own_kind:Deep"}', "3: method.prompt: there is no module own_kind; found"),
        (
            f'method: {{prompt: "{DEEP}"}}\nsearch: {{constraints: dept < 3}}',
            "4: search.constraints: unknown name dept",
        ),
    ],
)
def test_what_does_not_go(tmp_path, text, problem):
    problems = told(tmp_path, text + "\nbudget: {trials: 0}")
    assert any(each.startswith(problem) for each in problems), problems
    assert all("\n" not in each for each in problems)


def test_a_kind_that_cannot_transfer_is_refused_where_it_has_to(tmp_path):
    text = f'method: {{prompt: "{DEEP}"}}\nbudget: {{trials: 0}}'
    (tmp_path / "own_kinds.py").write_text(KINDS)
    path = write(tmp_path, HEAD.replace("shots", "protocol: base_to_new, shots") + text)
    (problem,) = problems_of(path)
    assert problem.message == f"{DEEP} cannot be tested on classes that it was not trained on"
