"""What a path of the user's own holds, by looking at it."""

from pathlib import Path
from typing import Literal

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.lists import check_file
from nemesis_sweep.data.own.class_folders import Folders, look_at, read_class_folders
from nemesis_sweep.data.own.parquet_files import parquet_files
from nemesis_sweep.files.nearest_path import nearest_path
from nemesis_sweep.files.regular_file import is_there, status_of
from nemesis_sweep.messages.errors import Problem, UserError

KINDS = "class folders, a .parquet file or a folder of them, a .csv file, or a saved Hugging Face dataset"

Kind = Literal["table of paths", "parquet", "saved"]


def kind_of(path: Path, files: int | None = None) -> Kind | Folders:
    """What is at a path; of class folders, what is in them. files: about how many are looked at at most.

    Raises ``UserError`` when nothing is there, or nothing that can be read.
    """
    try:
        status_of(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        near = nearest_path(path)
        message = "no such file or folder"
        raise UserError(Problem(message, found=str(path), allowed=KINDS, nearest=near)) from error
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
        raise UserError(Problem(reason, found=str(path), allowed=KINDS)) from error
    if not path.is_dir():
        return _kind_of_file(path)
    if is_there(path / "dataset_dict.json") or is_there(path / "state.json"):
        return "saved"
    if any(path.glob("*.parquet")):
        return "parquet"
    try:
        folders = look_at(path, files)
    except UserError:
        # In a clone of the hub, folders of splits and of configurations lie beside each other.
        if parquet_files(path)[0]:
            return "parquet"
        raise
    if folders.images or folders.unseen:
        return folders
    return "parquet" if parquet_files(path)[0] else folders


def _kind_of_file(path: Path) -> Kind:
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".csv", ".tsv"):
        check_file(path, "file")
        return "parquet" if suffix == ".parquet" else "table of paths"
    raise UserError(Problem("not a dataset", file=str(path), found=suffix or "no suffix", allowed=KINDS))


def read_path(name: str, path: Path, images: bool = True) -> Dataset:
    """The dataset at a path. images: without them, tables are read without the column that holds them.

    Raises ``UserError`` when nothing is there, or nothing that can be read.
    """
    kind = kind_of(path)
    if isinstance(kind, Folders):
        return read_class_folders(name, kind)
    if kind == "table of paths":
        from nemesis_sweep.data.own.csv_file import read_csv

        return read_csv(name, path)
    if kind == "saved":
        from nemesis_sweep.data.own.huggingface import read_saved

        return read_saved(name, path, images)
    from nemesis_sweep.data.own.parquet import read_parquet

    return read_parquet(name, path, images)
