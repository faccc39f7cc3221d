"""A CSV or TSV file of image paths: columns `path`, `label` and, optionally, `split` and `name`."""

import csv
from pathlib import Path

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.lists import MAX_BYTES, check_file
from nemesis_sweep.data.own.rows import Row, dataset_of, file_item, split_of
from nemesis_sweep.messages.errors import Problem, UserError

REQUIRED = ("path", "label")
KNOWN = (*REQUIRED, "split", "name")
ALLOWED = "a header with path, label and, optionally, split and name"


def read_csv(name: str, file: Path) -> Dataset:
    """Paths count from the file's folder.

    Raises ``UserError`` with the line when a column or a value is missing, or when labels are only numbers.
    """
    check_file(file, "file", MAX_BYTES)
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened, delimiter="\t" if file.suffix.lower() == ".tsv" else ",")
            header = [each.strip().lower() for each in reader.fieldnames or ()]
            reader.fieldnames = header
            twice = [each for each in KNOWN if header.count(each) > 1]
            if twice:
                message = f"two columns {twice[0]}"
                raise UserError(Problem(message, "", str(file), 1, ", ".join(header), ALLOWED))
            missing = [each for each in REQUIRED if each not in header]
            if missing:
                message = f"no column {', '.join(missing)}"
                raise UserError(Problem(message, "", str(file), 1, ", ".join(header), ALLOWED))
            rows = [_row(line, file, reader.line_num) for line in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(Problem(f"cannot read this file: {error}", file=str(file))) from error
    return dataset_of(name, rows, file)


def _row(line: dict[str, str | None], file: Path, number: int) -> Row:
    given = {key: (value or "").strip() for key, value in line.items() if isinstance(value, str | None)}
    empty = [each for each in REQUIRED if not given.get(each)]
    if empty:
        raise UserError(Problem(f"no {' and no '.join(empty)}", empty[0], str(file), number))
    split = given.get("split", "")
    item = file_item(given["path"], file, "path", number)
    placed = split_of(split, "split", file) if split else ""
    return Row(item, given["label"], placed, given.get("name", ""), number)
