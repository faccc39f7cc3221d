"""Output whose reader is gone."""

import os
import sys

import pytest

from nemesis_sweep.cli.output import Lasting, lasting_output


@pytest.fixture
def unread():
    """A text stream into a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        yield stream


def test_a_stream_without_a_reader_falls_silent(unread):
    with pytest.raises(BrokenPipeError):
        os.write(unread.fileno(), b"told to nobody")
    lasting = Lasting(unread)
    for _ in range(3):
        assert lasting.write("told to nobody\n") == 15
        lasting.flush()
    assert os.write(unread.fileno(), b"now read by /dev/null") == 21


def test_a_long_text_is_no_matter(unread):
    assert Lasting(unread).write("x" * 100_000) == 100_000


def test_the_streams_come_back(capsys):
    before = sys.stdout

    @lasting_output()
    def work():
        print("told")
        assert sys.stdout is not before

    work()
    assert sys.stdout is before
    assert capsys.readouterr().out == "told\n"
