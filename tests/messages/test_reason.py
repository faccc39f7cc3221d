"""What another package's error says, as one line."""

import pytest

from nemesis_sweep.messages.reason import reason


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "ValueError"),
        ("\n", "ValueError"),
        ("of no use\nsee our page", "ValueError: of no use"),
        ("wrong type of 'x':\n    got y\nmore", "ValueError: wrong type of 'x': got y"),
        ("wrong:", "ValueError: wrong:"),
    ],
)
def test_it_is_what_an_error_says_first(text: str, told: str) -> None:
    assert reason(ValueError(text)) == told
