"""What a person probably meant where a sweep file is no YAML."""

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.source import read_text


@pytest.mark.parametrize(
    ("text", "line", "slip"),
    [
        ("a:\n  b: 1\n   c: 2\n", 3, "this line is indented more than line 2"),
        ("a:\n  b: 1\n\n # c\n c: 2\n", 5, "this line is indented less than line 2"),
        ("a:\n  b:1\n  c: 2\n", 3, "perhaps a blank is missing after the ':' in line 2"),
        ("a:\n\tb: 1\n", 2, "lines are indented with blanks, never with tabs"),
        ("a: {b: 1\nc: 2\n", 2, 'the "{" of line 1 may not be closed'),
        ("a: [1, 2\nc: 2\n", 2, 'the "[" of line 1 may not be closed'),
        ("a: {b: 1 c: 2}\n", 1, "perhaps a comma or a closing bracket is missing"),
        ("a: 1\nname: b: c\n", 2, "a text with ': ' in it stands in quotes"),
    ],
)
def test_the_likely_slip_is_told_behind_the_reason(text: str, line: int, slip: str) -> None:
    with pytest.raises(UserError) as caught:
        read_text(text, "f")
    (problem,) = caught.value.problems
    assert (problem.line, problem.message.startswith("not YAML: ")) == (line, True)
    assert problem.message.endswith(f"; {slip}")


def test_where_nothing_is_known_the_reason_stands_alone() -> None:
    with pytest.raises(UserError, match=r"not YAML: found undefined alias 'nothing'$"):
        read_text("a: 1\nb: *nothing", "")
