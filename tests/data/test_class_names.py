"""Class names of one's own: which are no names, how to give others, and which a prompt cannot tell apart."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nemesis_sweep.data.own.class_names import alike
from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.messages.errors import UserError
from tests.data.layouts import jpeg
from tests.data.test_class_folders import mine


def csv(root, *rows: str, header: str = "path,label"):
    for row in rows:
        jpeg(root / row.split(",")[0])
    (root / "mine.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return root / "mine.csv"


def table(root, labels, metadata=None, **columns):
    images = [str(number).encode() for number in range(len(labels))]
    pq.write_table(
        pa.table({"image": images, "label": labels, **columns}).replace_schema_metadata(metadata),
        root / "mine.parquet",
    )
    return root / "mine.parquet"


def class_label(*names: str) -> dict[str, str]:
    return {"huggingface": json.dumps({"info": {"features": {"label": {"names": names}}}})}


def read(path):
    return load_dataset(str(path))


NUMBERS = ["0", "01", "-1", "+2", "0.0", "1e3", "1E-3", "1,5", "1_000", "1 000", "3%", "٣", "１２"]
NUMBERED = {
    "folders": (lambda root, number: mine(root, number, "zebra"), "names of class folders are"),
    "csv": (lambda root, number: csv(root, f'0.jpg,"{number}"', "1.jpg,cat"), "label: labels are"),
    "texts": (lambda root, number: table(root, ["cat", number]), "labels are"),
    "list": (
        lambda root, number: table(root, [0, 1], {"classnames": json.dumps([number, "b"])}),
        "class names are",
    ),
    "hub": (lambda root, number: table(root, [0, 1], class_label("a", number)), "class names are"),
}


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("kind", NUMBERED)
def test_a_number_is_no_name_wherever_it_stands(kind, number, tmp_path) -> None:
    make, what = NUMBERED[kind]
    with pytest.raises(UserError) as caught:
        read(make(tmp_path, number))
    told = str(caught.value)
    assert f"{what} numbers; found {number}; allowed: words, for prompts are made of them" in told
    file = "mine/classnames.txt" if kind == "folders" else "a column `name`, or a line"
    assert file in told and f"a line `{number} NAME` for each class in {tmp_path}/mine" in told


@pytest.mark.parametrize("name", ["747-400", "20-29", "v2", "class 0", "3d model", "50s", "🍎", "C++", "été"])
def test_words_with_numbers_are_names(name, tmp_path) -> None:
    assert name in read(csv(tmp_path, f"0.jpg,{name}", "1.jpg,cat")).classnames


@pytest.mark.parametrize("name", ["_", "__", " _ ", ".", "-", "...", "\u200b", "#", "nan", "NaN"])
def test_nothing_is_no_name(name, tmp_path) -> None:
    with pytest.raises(UserError, match="an empty class name; found"):
        read(table(tmp_path, ["cat", "dog", name]))


def test_control_characters_are_in_no_name_but_line_breaks_are_spaces(tmp_path) -> None:
    with pytest.raises(UserError, match="a class name with control characters; found") as caught:
        read(table(tmp_path, ["cat", "re\x1b[31md"]))
    assert "\x1b" not in str(caught.value)
    assert read(table(tmp_path, ["cat", "fire\n truck "])).classnames == ("cat", "fire truck")


def test_everything_is_told_at_once(tmp_path) -> None:
    with pytest.raises(UserError) as caught:
        read(mine(tmp_path, "0", "_"))
    assert [problem.message for problem in caught.value.problems] == [
        "an empty class name",
        "names of class folders are numbers",
    ]


def test_one_class_is_refused_in_tables(tmp_path) -> None:
    for path in (csv(tmp_path, "0.jpg,cat", "1.jpg,cat"), table(tmp_path, ["cat", "cat"])):
        with pytest.raises(UserError, match="fewer than two classes; found 'cat'; allowed: two or more"):
            read(path)


@pytest.mark.parametrize(
    "lines",
    [
        "0 zero\n1\tfire_truck\n10: ten sheep\n",
        "10,ten sheep\n\n1=fire_truck\n0 , zero",
        "\ufeff1   fire_truck \r\n0 zero\r\n10 ten sheep\r\n",
    ],
)
def test_a_names_file_gives_class_folders_their_names(lines, tmp_path) -> None:
    place = mine(tmp_path, "0", "1", "10")
    (place / "classnames.txt").write_text(lines, encoding="utf-8")
    dataset = read(place)
    assert dataset.classnames == ("zero", "fire truck", "ten sheep")
    assert dataset.notes == ()
    assert {item.path.parent.name for item in dataset.train if item.label == 2} == {"10"}


def test_folders_with_spaces_may_have_other_names_too(tmp_path) -> None:
    place = mine(tmp_path, "first", "first kind", "n01")
    (place / "classnames.txt").write_text("first kind a cat\nfirst a dog\nn01 tench\n")
    assert read(place).classnames == ("a dog", "a cat", "tench")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("0 zero\n1\n", r"classnames\.txt:2: no name; found '1'; allowed: LABEL NAME on each line"),
        ("0 zero\n\n0 nought\n", r"classnames\.txt:3: a second name for '0'"),
        ("0 zero\n", "names of class folders are numbers; found 1"),
        ("0 zero\n1 2\n", "names of class folders are numbers; found 2"),
    ],
)
def test_a_names_file_that_does_not_fit_is_told(lines, message, tmp_path) -> None:
    place = mine(tmp_path, "0", "1")
    (place / "classnames.txt").write_text(lines)
    with pytest.raises(UserError, match=message):
        read(place)


def test_a_line_for_a_class_that_is_not_there_is_told(tmp_path) -> None:
    place = mine(tmp_path, "n01440764", "n01443537")
    (place / "classnames.txt").write_text("n01440764 tench\nn0144353 goldfish\nn01484850 shark\n")
    assert read(place).notes == (
        "classnames.txt names classes that are not there: n0144353, n01484850 (did you mean 'n01443537'?)",
    )


def test_a_names_file_that_is_no_file_is_refused(tmp_path) -> None:
    place = mine(tmp_path, "a", "b")
    (place / "classnames.txt").symlink_to("/dev/zero")
    with pytest.raises(UserError, match=r"cannot read this list of class names: a device, not a file"):
        read(place)


def test_a_names_file_lies_beside_a_table(tmp_path) -> None:
    (tmp_path / "mine.classnames.txt").write_text("0.0 zero\n1.0 one\n0 nought\n1 first\n")
    assert read(csv(tmp_path, "0.jpg,0.0", "1.jpg,1.0")).classnames == ("zero", "one")
    assert read(table(tmp_path, [0, 1])).classnames == ("nought", "first")
    assert read(table(tmp_path, [0.0, 1.0])).classnames == ("zero", "one")
    assert read(table(tmp_path, [1, 0], class_label("0", "1"))).classnames == ("nought", "first")


def test_a_column_gives_labels_their_names(tmp_path) -> None:
    rows = ["a.jpg,10,ten", "b.jpg,2,two", "c.jpg,10,ten"]
    dataset = read(csv(tmp_path, *rows, header="path,label,name"))
    assert dataset.classnames == ("two", "ten")
    assert {item.path.stem: item.label for split in dataset.splits.values() for item in split} == {
        "a": 1,
        "b": 0,
        "c": 1,
    }
    assert read(table(tmp_path, [10, 2, 10], name=["ten", "two", "ten"])).classnames == ("two", "ten")
    assert read(table(tmp_path, [1, 0, 1], class_label("0", "1"), name=["b", "a", "b"])).classnames == (
        "a",
        "b",
    )


def test_a_column_with_two_names_for_a_number_is_refused(tmp_path) -> None:
    path = csv(tmp_path, "a.jpg,0,cat", "b.jpg,1,dog", "c.jpg,0,cow", header="path,label,name")
    with pytest.raises(
        UserError, match=r"mine\.csv:4: name: the label 0 has two names; found 'cat' and 'cow'"
    ):
        read(path)


def test_a_column_name_that_is_not_the_class_is_not_read_and_told(tmp_path) -> None:
    path = csv(tmp_path, "a.jpg,cat,Tom", "b.jpg,dog,Rex", "c.jpg,cat,Kit", header="path,label,name")
    dataset = read(path)
    assert dataset.classnames == ("cat", "dog")
    assert "the column `name` is not read: the label 'cat' has two there, 'Tom' and 'Kit'" in dataset.notes


def test_a_list_with_classes_that_have_no_images_is_told(tmp_path) -> None:
    dataset = read(table(tmp_path, [0, 0, 1, 1], class_label("cat", "dog", "cow")))
    assert dataset.notes == (
        "1 class without images in train: 'cow'",
        "1 class without images in test: 'cow'",
    )


def test_files_that_number_their_classes_otherwise_are_refused(tmp_path) -> None:
    for split, names in (("train", ("cat", "dog")), ("test", ("dog", "cat"))):
        table(tmp_path, [0, 1], class_label(*names)).rename(tmp_path / f"{split}.parquet")
    with pytest.raises(UserError, match=r"train\.parquet: other class names than the files before it"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["fire_truck", "fire truck"], "classes with the same prompt: 'fire truck' and 'fire_truck'"),
        (["a  b", "a b", "c"], "classes with the same prompt: 'a  b' and 'a b'"),
        (["Cat", "cat"], "class names that differ only in case, .*: 'Cat' and 'cat'"),
        (["fire_truck", "firetruck", "Fire-Truck"], "'Fire-Truck' and 'fire_truck' and 'firetruck'"),
        (["cat.", "cat"], "'cat' and 'cat.'"),
        (["ca\u200bt", "cat\ufeff", "cat"], r"differ only in .* 'cat' and 'cat\\ufeff' and 'ca\\u200bt'"),
        (["Q&amp;A", "q&a"], "differ only in"),
        (["ﬁsh", "fish"], "differ only in"),
    ],
)
def test_names_that_a_prompt_cannot_tell_apart_are_told(names, told, tmp_path) -> None:
    import re

    notes = list(alike(sorted(names)))
    assert len(notes) == 1 and re.search(told, notes[0])
    assert list(alike(["cat", "dog", "car 1", "car 2"])) == []
    labels = [name for name in names for _ in range(4)]
    assert set(notes) <= set(read(table(tmp_path, labels)).notes)
