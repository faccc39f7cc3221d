"""Counts with their nouns."""

import pytest

from nemesis_sweep.messages.counting import counted


@pytest.mark.parametrize(
    ("count", "nouns", "told"),
    [
        (0, ("trial",), "0 trials"),
        (1, ("trial",), "1 trial"),
        (2, ("trial",), "2 trials"),
        (1, ("class", "classes"), "1 class"),
        (1.0, ("hour",), "1 hour"),
        (0.5, ("hour",), "0.5 hours"),
        (1234567, ("image",), "1234567 images"),
        (12, ("class", "classes"), "12 classes"),
    ],
)
def test_a_count_has_the_noun_that_goes_with_it(count, nouns, told):
    assert counted(count, *nouns) == told
