"""What a YAML text is read as, and where it is refused."""

import os
from pathlib import Path

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.source import MAX_BYTES, read_file, read_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("5E4", 5e4),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("010", 10),
        ("no", "no"),
        ("on", "on"),
        ("2026-11-22", "2026-11-22"),
        ("1:30", "1:30"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("true", True),
        ("~", None),
        ("", None),
        ("'4'", "4"),
        ("!!str 4", "4"),
        ("<<", "<<"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    source = read_text(f"key: {text}", "f")
    assert source.faults == []
    assert source.data == {"key": value}
    assert type(source.data["key"]) is type(value)


def test_every_key_and_item_has_its_line() -> None:
    source = read_text("a:\n  b: 1\n  c:\n    - x\n    - {d: 2}\n", "f")
    assert source.lines == {
        (): 1,
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 3,
        ("a", "c", 0): 4,
        ("a", "c", 1): 5,
        ("a", "c", 1, "d"): 5,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: {c: 1,\n c: 2}", "written twice, first on line 2"),
        ("a: 1\nb: 2\na: 3", "written twice, first on line 1"),
        ("a:\n\n - .nan", "not a finite number"),
        ("a:\n\n - -.inf", "not a finite number"),
        ("a:\n\n - 1e999", "not a finite number"),
        ("a:\n\n - !!int abc", "not a finite number"),
        ("a:\n\n - " + "9" * 5000, "not a finite number"),
        ("a:\n\n - 9223372036854775808", "a whole number of more than 64 bits"),
        ("a:\n\n - !!python/object:os.system x", "tags are not supported"),
        ("a:\n\n - !!timestamp 2001-01-01", "tags are not supported"),
        ("a:\n\n - !!set {x}", "tags are not supported"),
        ("a:\n\n - !!python/tuple [x]", "tags are not supported"),
        ('a:\n\n - "\\x07"', "a control character in a text"),
        ('a:\n\n - "\\ud800"', "a control character in a text"),
        ("a:\n\n ? [x, y]\n : 3", "a list or mapping in the place of a key"),
    ],
)
def test_faults_of_a_text_name_the_third_line(text: str, message: str) -> None:
    (fault,) = read_text(text, "f").faults
    assert (fault.message, fault.line) == (message, 3)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: [1, 2\nb: 3\n", 2, "not YAML"),
        ("a: 1\n\tb: 2\n", 2, "not YAML"),
        ("a: 1\n--- \nb: 2\n", 2, "not YAML"),
        ("a: 1\nb: \x00", 2, "a character that YAML does not allow"),
        ("a: 1\nb: *nothing", 2, "not YAML"),
        ("[" * 1000, 1, "nested too deeply"),
        ("a: &a\n  - *a", 1, "nested too deeply"),
        ('a: "\\UFFFFFFFF"', 1, "not YAML"),
        ("a: " + "[" * 45 + "]" * 45, 1, "nested too deeply"),
    ],
)
def test_what_is_no_sweep_file_at_all_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(UserError) as caught:
        read_text(text, "f")
    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == ("f", line)
    assert words in problem.message


def test_aliases_cannot_grow_without_bound() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(UserError, match="too many values"):
        read_text("\n".join(lines), "f")


def test_a_missing_file_names_the_one_beside_it(tmp_path: Path) -> None:
    (tmp_path / "pan.yaml").write_text("name: pan")
    with pytest.raises(UserError) as caught:
        read_file(tmp_path / "pna.yaml")
    (problem,) = caught.value.problems
    assert (problem.message, problem.nearest) == ("no such file", str(tmp_path / "pan.yaml"))
    assert problem.file == str(tmp_path / "pna.yaml")


def test_folders_other_encodings_and_huge_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: a folder, not a file"):
        read_file(tmp_path)
    path = tmp_path / "sweep.yaml"
    path.write_bytes(b"a: 1\nb: \xff\xfe\n")
    with pytest.raises(UserError, match=r"sweep.yaml:2: not a text file; found byte 0xff; allowed: UTF-8"):
        read_file(path)
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(UserError, match="larger than 1 MB"):
        read_file(path)
    with pytest.raises(UserError, match="cannot be read"):
        read_file(Path("a\0b"))


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, found in ((Path("/dev/zero"), "a device"), (tmp_path / "pipe", "a pipe")):
        with pytest.raises(UserError, match=f"cannot be read: {found}, not a file"):
            read_file(path)
    (tmp_path / "link.yaml").symlink_to("/dev/zero")
    with pytest.raises(UserError, match="a device"):
        read_file(tmp_path / "link.yaml")


def test_a_large_file_is_not_read_whole(tmp_path: Path) -> None:
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(UserError, match="larger than 1 MB"):
        read_file(huge)


@pytest.mark.parametrize(("before", "line_end"), [("\ufeff", "\n"), ("", "\r\n"), ("\ufeff", "\r\n")])
def test_what_other_editors_write(tmp_path: Path, before: str, line_end: str) -> None:
    path = tmp_path / "made.yaml"
    path.write_bytes(f"{before}a: 1{line_end}b: x{line_end}".encode())
    assert read_text(read_file(path), "made").data == {"a": 1, "b": "x"}
