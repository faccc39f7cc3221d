"""No two methods look alike, neither as lines nor as marks."""

from nemesis_sweep.report.leaderboard import BEST_OF_SEARCH
from nemesis_sweep.report.page.looks import looks
from nemesis_sweep.spec.baselines import BASELINES
from nemesis_sweep.spec.prompts import PROMPTS

USUAL = [
    *(BASELINES[name].label for name in ("zero_shot", "linear_probe", "coop", "paper", "control")),
    *("best found", BEST_OF_SEARCH, "best none", "best PUN", "best PAN", "best mix"),
]
KINDS = [f"best {kind}" for kind in PROMPTS]


def pairs(methods, *names):
    return [tuple(look[name] for name in names) for look in looks(methods).values()]


def test_no_two_of_the_usual_methods_and_the_best_of_every_kind_have_the_same_line_or_mark() -> None:
    for names in (("color", "linestyle"), ("color", "marker")):
        found = pairs([*USUAL, *KINDS], *names)
        assert len(set(found)) == len(found) == len(USUAL) + len(KINDS)


def test_the_best_of_every_kind_with_each_loss_has_a_mark_of_its_own() -> None:
    found = pairs(
        [*USUAL, *(f"{kind} {loss}" for kind in KINDS for loss in ("PUN", "PAN"))], "color", "marker"
    )
    assert len(set(found)) == len(found)


def test_there_is_no_end_of_looks() -> None:
    assert len(looks(map(str, range(200)))) == 200
