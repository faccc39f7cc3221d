"""JSON with a checksum: what was written is read, everything else is told."""

import json

import pytest

from nemesis_sweep.files.sealed import DamagedError, read_sealed, write_sealed

RECORD = {"name": "größe", "values": [0.1, float("inf"), 3], "pair": (1, 2), "none": None}


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "folder" / "a.json"
    digest = write_sealed(path, RECORD)
    read = read_sealed(path)
    assert read == {**RECORD, "pair": [1, 2], "checksum": digest}
    # Another order and indentation say the same.
    path.write_text(json.dumps(dict(reversed(read.items()))), encoding="utf-8")
    assert read_sealed(path) == read
    # Written once more, it does not take its own checksum for content.
    assert write_sealed(path, read) == digest


def test_a_record_of_an_earlier_version_has_no_checksum(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"name": 1}')
    assert read_sealed(path) == {"name": 1}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "is missing"),
        (b"", "is no JSON"),
        (b'{"name": 1', "is no JSON"),
        (bytes(range(256)), "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"[1]", "holds a JSON list in place of an object"),
        (b"null", "holds a JSON null in place of an object"),
        (b'{"name": 2, "checksum": "0"}', "has a checksum that does not fit"),
    ],
)
def test_damage_is_told(tmp_path, content, reason):
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DamagedError) as told:
        read_sealed(path)
    assert (told.value.file, told.value.reason) == (path, reason)
    assert str(told.value) == f"{path} {reason}"


def test_no_digit_changes_unseen(tmp_path):
    path = tmp_path / "a.json"
    write_sealed(path, {"val": 51.25, "seeds": [1, 2], "text": "a7"})
    whole = path.read_text()
    for place, letter in enumerate(whole):
        if letter.isdigit():
            path.write_text(whole[:place] + str((int(letter) + 1) % 10) + whole[place + 1 :])
            with pytest.raises(DamagedError):
                read_sealed(path)
