"""Class names that leave no room for context vectors, told with the key that asks for too many."""

import pytest

from nemesis_sweep.data.availability import Availability
from nemesis_sweep.data.dataset import SPLITS, Dataset
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.sweep.fitting import refuse_long_names

TEXT = """
name: made
tasks: {dataset: digits, shots: 1, replicates: 1}
method: {epochs: 2, views: 1}
space: {omega: {low: 0.1, high: 100, log: true}}
search: {baselines: []}
budget: {trials: 2}
"""


def called(words: int) -> Dataset:
    """Two classes, one with a name of so many words; each is a token."""
    return Dataset(
        "digits", ("red", " ".join(["blue"] * words)), "a photo of a {}.", dict.fromkeys(SPLITS, ())
    )


@pytest.fixture
def problems(make_sweep):
    def told(words: int, *changes: str) -> list[str]:
        sweep = make_sweep(*changes, text=TEXT)
        try:
            refuse_long_names(sweep, sweep.task_list(), {"digits": called(words).classnames})
        except UserError as error:
            return [str(problem) for problem in error.problems]
        return []

    return told


@pytest.mark.parametrize(
    ("most", "key", "what", "change"),
    [
        # Beside the name: its beginning, the full stop and the end.
        (77 - 3 - 16, "method.n_ctx", "n_ctx 16", "method.epochs=2"),
        (77 - 3 - 20, "method.n_ctx", "n_ctx 20", "method.n_ctx=20"),
        (77 - 3 - 20, "method.per_shots.1.n_ctx", "n_ctx 20", "method.per_shots={1: {n_ctx: 20}}"),
        (77 - 3 - 40, "space.n_ctx", "n_ctx up to 40", "space.n_ctx={low: 4, high: 40}"),
        (77 - 3 - 32, "space.n_ctx", "n_ctx 32", "space.n_ctx={choices: [4, 8, 32]}"),
        (77 - 3 - 64, "space.n_ctx", "n_ctx 64", "space.n_ctx={choices: [10, 64]}"),
        (77 - 3 - 4, "method.words", "words 'a photo of a' (4 tokens)", "method.words=a photo of a"),
        (77 - 3 - 16, "search.baselines", "n_ctx 16 of coop", "BASELINE"),
    ],
)
def test_the_largest_number_of_vectors_has_to_fit(problems, most, key, what, change) -> None:
    changes = [change]
    if change == "BASELINE":
        changes = ["space.n_ctx={low: 2, high: 4}", "search.baselines=[coop]"]
    assert problems(most, *changes) == []
    (line,) = problems(most + 1, *changes)
    room = 77 - 3 - most - 1
    assert line.startswith(f"{key}: no room for class names of digits beside {what}; found 'blue blue")
    assert f"which takes {most + 4} of 77 tokens without context vectors" in line
    vectors = "1 context vector," if room == 1 else f"{room} context vectors,"
    assert f"allowed: at most {vectors} or shorter class names" in line


def test_names_that_leave_no_room_at_all(problems) -> None:
    for change in ("method.n_ctx=1", "space.n_ctx={low: 1, high: 4}"):
        (line,) = problems(74, change)
        assert line.startswith(
            "tasks.dataset: class names of digits are too long for the texts of icon-clip; "
        )


def test_sentences_of_rows_that_train_nothing(problems) -> None:
    """`a photo of a {}.` has four words more, `a {} in a video game.` five."""
    for row, most in (("zero_shot", 70), ("zero_shot_ensemble", 69)):
        changes = ("method.n_ctx=1", f"search.baselines=[{row}]")
        assert problems(most, *changes) == []
        (line,) = problems(most + 1, *changes)
        assert line.startswith(
            f"search.baselines: class names of digits are too long for the sentences of {row};"
        )
        assert f"allowed: without {row}, or shorter class names" in line


def test_each_backbone_has_its_own_room(problems) -> None:
    both = "tasks.backbone=[icon-clip, coca_ViT-B-32@random]"
    # CoCa's texts have 76 tokens.
    assert problems(57, both) == []
    (line,) = problems(58, both)
    assert "of 76 tokens" in line


def test_a_check_of_the_data_says_what_room_there_is() -> None:
    def last(words: int) -> str:
        return list(Availability(called(words)).lines())[-1]

    assert "longest" not in last(58)
    assert last(59).startswith(
        "longest class name: 62 of CLIP's 77 tokens, room for 15 context vectors beside"
    )
    assert "no room for context vectors" in last(100)


def test_all_choices_that_do_not_fit_are_named(problems) -> None:
    (line,) = problems(60, "space.n_ctx={choices: [4, 8, 16, 32]}")
    assert line.startswith("space.n_ctx: no room for class names of digits beside n_ctx 16 and 32;")


def test_a_name_that_only_might_be_long(problems) -> None:
    """One word of many letters is one token or a few."""
    assert problems(10, "method.n_ctx=64") == []


def test_keys_and_values_take_no_room_of_the_names(problems) -> None:
    most = 77 - 3 - 16
    assert problems(most + 1, "method.prompt=prefix") == []
    assert problems(most, "method.prompt=prefix", "search.baselines=[coop]") == []
    (line,) = problems(most + 1, "method.prompt=prefix", "search.baselines=[coop]")
    assert line.startswith("search.baselines: no room for class names of digits beside n_ctx 16 of coop;")
    (line,) = problems(most + 1, "space.prompt={choices: [coop, prefix]}")
    assert line.startswith("method.n_ctx: no room for class names of digits beside n_ctx 16;")


SHORT = "space.prompt={choices: {coop: {words: {choices: [a photo]}}, KIND: {}}}"


@pytest.mark.parametrize("kind", ["ptuning", "plot", "deep_text"])
def test_words_of_one_kind_are_not_those_of_another(problems, kind) -> None:
    """A kind that takes no words, or has none, has as many vectors as `n_ctx` says."""
    takes = kind == "deep_text"
    ways = ["method.words=a photo", f"space.prompt={{choices: [coop, {kind}]}}"]
    for changes, applies in ((ways, not takes), ([SHORT.replace("KIND", kind)], True)):
        assert problems(77 - 3 - 16, *changes) == []
        found = problems(77 - 3 - 15, *changes)
        assert [line.split(":")[0] for line in found] == ["method.n_ctx"] * applies


def test_a_number_that_no_kind_uses_is_no_fault(problems) -> None:
    space = (
        "space.prompt={choices: {coop: {n_ctx: {low: 2, high: 4}}, prefix: {words: {choices: [a b c d e]}}}}"
    )
    assert problems(77 - 3 - 4, space) == []
    line, *_ = problems(77 - 3 - 3, space)
    assert line.startswith("space.prompt.choices.coop.n_ctx: no room")


@pytest.mark.parametrize(
    ("section", "changes", "words"),
    [
        ("method.", ("method.prompt=prefix", "method.anchor_template=an {old} icon of {}"), 6),
        ("method.per_shots.1.", ("method.prompt=vpt", "method.per_shots={1: {anchor_template: 'a {}'}}"), 1),
        ("space.", ("method.prompt=kgcoop", "space.anchor_template={choices: ['a b c d {}', '{}']}"), 4),
        ("method.", ("method.prompt=prefix",), 5),
    ],
)
def test_hand_written_sentences(problems, section, changes, words) -> None:
    """A kind that learns beside one has to encode it; by default `a photo of a {}.`"""
    changes = ("tasks.backbone=ViT-B-32@random", "method.n_ctx=1", *changes)
    if "method.prompt=vpt" in changes:
        changes = tuple(each for each in changes if each != "method.n_ctx=1")
    assert problems(75 - words, *changes) == []
    found = problems(75 - words + 1, *changes)
    told = (
        f"{section}anchor_template: class names of digits are too long for the sentences of anchor_template"
    )
    assert found[-1].startswith(told)


def test_words_that_only_plain_coop_puts_beside_a_name(problems) -> None:
    changes = ("method.prompt=prefix", "method.words=a b c d e f g h", "method.anchor_template='{}'")
    assert problems(77 - 3 - 7, *changes, "search.baselines=[zero_shot]") == []
    assert problems(77 - 3 - 8, *changes, "search.baselines=[coop]") == []
    (line,) = problems(77 - 3 - 7, *changes, "search.baselines=[coop]")
    assert "search.baselines: no room for class names of digits beside words 'a b c d e f g h' (8 tok" in line
