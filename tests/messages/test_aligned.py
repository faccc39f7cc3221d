from nemesis_sweep.messages.aligned import aligned


def test_text_stands_at_the_left_and_numbers_at_the_right() -> None:
    rows = [["name", "n", "what"], ["a", "10", "of a few words"]]
    assert aligned(rows, text=(0, 2)) == ["name   n  what", "a     10  of a few words"]
    assert aligned([["a", "1"], ["bb", "22"]]) == ["a    1", "bb  22"]


def test_no_line_ends_in_spaces() -> None:
    assert aligned([["a", "longer"], ["b", ""]], text=(0, 1))[1] == "b"
