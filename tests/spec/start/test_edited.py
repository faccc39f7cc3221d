"""Values in a text are replaced in place, and nothing else of it changes."""

import pytest

from nemesis_sweep.spec.source import read_text
from nemesis_sweep.spec.start.edited import with_value, without

TEXT = """# on top
name: one        # its name

tasks:           # what it is tried on
  dataset:       # several
    - red
    - blue       # the last one

# of the method
method:
  per_dataset:
    red: {lr: 1}
    blue:
      lr: 2      # twice
  lr: 3
"""


@pytest.mark.parametrize("value", [["a", "b"], "./my folder", "1", 4, "yes: no # none", [1, 16]])
def test_a_value_is_read_as_it_was_given_and_all_else_stays(value: object) -> None:
    text = with_value(TEXT, ("tasks", "dataset"), value, "new")
    expected = read_text(TEXT, "").data
    expected["tasks"]["dataset"] = value
    assert read_text(text, "").data == expected
    removed = {"  dataset:       # several", "    - red", "    - blue       # the last one"}
    assert set(TEXT.splitlines()) - set(text.splitlines()) == removed
    (line,) = set(text.splitlines()) - set(TEXT.splitlines())
    assert line.endswith("# new")


def test_a_key_that_is_not_there_comes_first_in_its_section() -> None:
    lines = with_value(TEXT, ("tasks", "shots"), [4]).splitlines()
    assert lines[lines.index("tasks:           # what it is tried on") + 1] == "  shots: [4]"
    assert len(lines) == len(TEXT.splitlines()) + 1


def test_a_key_is_taken_away_and_what_held_it_when_it_is_empty() -> None:
    once = without(TEXT, ("method", "per_dataset", "blue"))
    assert read_text(once, "").data["method"] == {"per_dataset": {"red": {"lr": 1}}, "lr": 3}
    twice = without(once, ("method", "per_dataset", "red"))
    assert read_text(twice, "").data["method"] == {"lr": 3}
    assert "# of the method" in twice and "# the last one" in twice
