"""Sections that are right by themselves and wrong together."""

from pathlib import Path

import pytest

from nemesis_sweep.spec.budget import Budget
from nemesis_sweep.spec.errors import UserError
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.method import MethodSection
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Tasks
from tests.spec.files import KNOWN, problems_of, write

TASKS = "name: t\ntasks: {dataset: [clipart, emoji]}\n"

PAN_INSIDE = "beta: {choices: {0: {corruption: {low: 0, high: 1}, n_positions: {low: 1, high: 4}}, 1: {}}}"

GOOD = {
    "corruption under its beta": f"space: {{omega: {{low: 1, high: 2}}, {PAN_INSIDE}}}",
    "corruption beside a searched beta": "space: {omega: {low: 1, high: 2}, beta: {low: 0, high: 1}, "
    "corruption: {low: 0, high: 1}}",
    "beta of one dataset only": "method: {omega: 1, per_dataset: {emoji: {beta: 0}}}\n"
    "space: {corruption: {low: 0, high: 1}}",
    "a fixed value where no choice opens the dimension": "method: {omega: 1, corruption: 0.3}\n"
    "space: {beta: {choices: {0: {corruption: {low: 0, high: 1}}, 0.5: {}}}}",
    "positions within the n_ctx that opens them": "method: {omega: 1, beta: 0}\n"
    "space: {n_ctx: {choices: {4: {n_positions: {low: 1, high: 4}}, 16: {n_positions: {low: 1, high: 16}}}}}",
    "positions and lengths of each dataset": "method: {n_ctx: 8, n_positions: 8, "
    "per_dataset: {emoji: {n_ctx: 2, n_positions: 2}}}\nbudget: {trials: 0}",
    "nothing to search and no trials": "budget: {trials: 0}",
    "nothing to search and as many points": "budget: {trials: 1}\nsearch: {points: [{}]}",
    "lengths where words are not always given": "space: {words: {choices: {~: {n_ctx: {low: 1, high: 4}}, a b: {}}}}",
    "a point through a choice": f"space: {{omega: {{low: 1, high: 2}}, {PAN_INSIDE}}}\n"
    "search: {points: [{beta: 0, corruption: 0.5}, {beta: 1}, {omega: 2}]}",
    "csc without transfer": "method: {csc: true}\nspace: {lr: {low: 0.1, high: 1}}",
    "test objective without pruner": "space: {lr: {low: 0.1, high: 1}}\nsearch: {objective: test/accuracy, pruner: none}",
}


@pytest.mark.parametrize("rest", GOOD.values(), ids=GOOD.keys())
def test_what_goes_together(tmp_path: Path, rest: str) -> None:
    load_sweep(write(tmp_path, TASKS + rest), known=KNOWN)


BAD = [
    ("method: {omega: 1}\nspace: {omega: {low: 1, high: 2}}", "method.omega", 3, "both fixed and searched"),
    (
        "method: {per_dataset: {emoji: {lr: 1}}}\nspace: {lr: {low: 1, high: 2}}",
        "method.per_dataset.emoji.lr", 3, "both fixed and searched",
    ),
    (
        "method: {omega: 1, corruption: 0.5}\nspace:\n beta:\n  choices:\n"
        "   0: {corruption: {low: 0, high: 1}}\n   0.5: {corruption: {low: 0, high: 0.5}}",
        "method.corruption", 3, "both fixed and searched",
    ),
    (
        "space: {omega: {low: 1, high: 2}, corruption: {low: 0, high: 1}}",
        "space.corruption", 3, "searching corruption can change nothing, as the penalty is PUN only",
    ),
    (
        "method: {beta: 1}\nspace:\n omega: {low: 1, high: 2}\n n_positions: {low: 1, high: 2}",
        "space.n_positions", 6, "searching n_positions can change nothing, as the penalty is PUN only",
    ),
    (
        "space:\n omega: {low: 1, high: 2}\n beta:\n  choices:\n   0: {}\n   1:\n"
        "    selection: {choices: [accuracy, random]}",
        "space.beta.choices.1.selection", 9, "searching selection can change nothing, as the penalty is PUN only",
    ),
    (
        "method: {beta: 0, omega: 1, selection: random}\nspace: {corruption: {low: 0, high: 1}}",
        "space.corruption", 4,
        "searching corruption can change nothing, as positions are selected without corrupting them",
    ),
    (
        "space: {norm: {choices: [1, 2]}}",
        "space.norm", 3, "searching norm can change nothing, as there is no penalty",
    ),
    (
        "method: {omega: 1}\nspace: {reduction: {choices: [mean, reference]}}",
        "space.reduction", 4, "searching reduction can change nothing, as all classes share one context",
    ),
    (
        "method: {words: a photo of a}\nspace: {n_ctx: {choices: [4, 8]}}",
        "space.n_ctx", 4, "searching n_ctx can change nothing, as the words decide the length",
    ),
    ("method: {n_ctx: 4, n_positions: 5}\nbudget: {trials: 0}", "method.n_positions", 3,
     "more positions than context vectors"),
    ("method: {n_positions: 8}\nspace: {n_ctx: {choices: [4, 16]}}", "method.n_positions", 3,
     "more positions than context vectors"),
    ("method: {words: a photo, n_positions: 3}\nbudget: {trials: 0}", "method.n_positions", 3,
     "more positions than context vectors"),
    ("method: {per_dataset: {emoji: {n_ctx: 2, n_positions: 3}}}\nbudget: {trials: 0}",
     "method.per_dataset.emoji.n_positions", 3, "more positions than context vectors"),
    ("method: {omega: 1, beta: 0, n_ctx: 4}\nspace: {n_positions: {low: 1, high: 5}}", "space.n_positions", 4,
     "more positions than context vectors"),
    (
        "method: {omega: 1, beta: 0}\nspace:\n n_ctx:\n  choices:\n   4: {n_positions: {low: 1, high: 4}}\n"
        "   8: {n_positions: {low: 1, high: 9}}",
        "space.n_ctx.choices.8.n_positions", 8, "more positions than context vectors",
    ),
    ("method: {per_dataset: {digits: {lr: 1}}}\nbudget: {trials: 0}", "method.per_dataset.digits", 3,
     "no task uses this dataset"),
    ("budget: {trials: 3}", "space", 1, "nothing to search, but 3 trials to propose"),
    ("space: {lr: {low: 1, high: 2}}\nsearch: {objective: [val/accuracy, norm/mean]}", "search.objective", 4,
     "several objectives are not supported yet"),
    ("space: {lr: {low: 1, high: 2}}\nsearch: {objective: test/loss}", "search.pruner", 4,
     "test/loss is measured only at the end of a trial, so nothing can be pruned by it"),
    ("space: {lr: {low: 1, high: 2}}\nsearch: {points: [{lr: 1}, {lr: 3}]}", "search.points.1.lr", 4,
     "outside of the search space"),
    ("space: {lr: {low: 1, high: 2}}\nsearch: {points: [{omega: 1}]}", "search.points.0.omega", 4, "not searched"),
    ("space: {lr: {low: 1, high: 2}}\nsearch: {points: [{lr: -1}]}", "search.points.0.lr", 4, "out of range"),
    (
        f"space: {{omega: {{low: 1, high: 2}}, {PAN_INSIDE}}}\nsearch: {{points: [{{beta: 1, corruption: 0}}]}}",
        "search.points.0.corruption", 4, "searched only under a choice that this point does not take",
    ),
    ("space:\n lr: {low: 1, high: 2}\n csc:\n  choices:\n   true: {lr: {low: 1, high: 2}}\n   false: {}",
     "space.lr", 4, "searched twice in one trial"),
    (
        "space:\n csc:\n  choices:\n   true: {lr: {low: 1, high: 2, log: true}}\n   false: {lr: {low: 1, high: 2}}",
        "space.csc.choices.false.lr", 7, "differs in kind from its range under another choice",
    ),
    ("space: {lr: {choices: {1: {lr: {low: 1, high: 2}}}}}", "space.lr.choices.1.lr", 3, "searched twice in one trial"),
]  # fmt: skip


@pytest.mark.parametrize(("rest", "key", "line", "message"), BAD, ids=[f"{case[1]} {case[3]}" for case in BAD])
def test_what_does_not(tmp_path: Path, rest: str, key: str, line: int, message: str) -> None:
    path = write(tmp_path, TASKS + rest)
    told = [(problem.key, problem.line, problem.message) for problem in problems_of(path)]
    assert (key, line, message) in told


@pytest.mark.parametrize(
    "rest",
    [
        "method: {csc: true}\nbudget: {trials: 0}",
        "method: {per_dataset: {clipart: {csc: true}}}\nbudget: {trials: 0}",
        "space: {csc: {choices: [true, false]}}",
    ],
)
@pytest.mark.parametrize("protocol", ["base_to_new", "domain_generalization"])
def test_class_contexts_cannot_transfer(tmp_path: Path, rest: str, protocol: str) -> None:
    text = f"name: t\ntasks:\n  dataset: clipart\n  protocol: {protocol}\n{rest}"
    (problem,) = problems_of(write(tmp_path, text))
    assert (problem.key, problem.line, problem.found) == ("tasks.protocol", 4, f'"{protocol}"')
    assert "class-specific contexts (csc)" in problem.message


def test_a_value_that_is_wrong_itself_accuses_no_other(tmp_path: Path) -> None:
    text = TASKS + "method: {beta: zero, n_ctx: x, n_positions: 20}\nspace: {omega: {low: 1, high: 2}, corruption: {low: 0, high: 1}}"
    assert {problem.key for problem in problems_of(write(tmp_path, text))} == {"method.beta", "method.n_ctx"}
    text = TASKS + "space: {omega: {low: 3, high: 2}, norm: {choices: [1, 2]}}"
    assert [problem.key for problem in problems_of(write(tmp_path, text))] == ["space.omega.low"]
    text = TASKS + "space: {omga: {low: 1, high: 2}}"
    assert [problem.key for problem in problems_of(write(tmp_path, text))] == ["space.omga"]


def test_a_default_that_stands_in_the_way_is_named_as_one(tmp_path: Path) -> None:
    path = write(tmp_path, TASKS + "space: {omega: {low: 1, high: 2}, corruption: {low: 0, high: 1}}")
    (problem,) = problems_of(path)
    assert problem.found == "beta: 1.0 (the default)"
    assert problem.allowed == "a beta below 1, fixed or searched"


def test_a_sweep_made_in_python_is_checked_too() -> None:
    with pytest.raises(UserError, match=r"method\.n_positions: more positions than context vectors"):
        Sweep(
            name="t",
            tasks=Tasks(dataset=["clipart"]),
            method=MethodSection(n_ctx=2, n_positions=3),
            budget=Budget(trials=0),
        )
    with pytest.raises(UserError, match=r"space\.omga: unknown key"):
        Sweep.model_validate({"name": "t", "tasks": {"dataset": "clipart"}, "space": {"omga": {}}})
