"""What a path of the user's own holds, by looking at it."""

from pathlib import Path

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.spec.errors import Problem, UserError

KINDS = "class folders, a .parquet file or a folder of them, a .csv file, or a saved Hugging Face dataset"


def read_path(name: str, path: Path) -> Dataset:
    """The dataset at a path. Raises ``UserError`` when nothing is there, or nothing that can be read."""
    if not path.exists():
        raise UserError(Problem("no such file or folder", found=str(path), allowed=KINDS))
    if path.is_file():
        return _file(name, path)
    if (path / "dataset_dict.json").exists() or (path / "state.json").exists():
        from nemesis_sweep.data.own.huggingface import read_saved

        return read_saved(name, path)
    if any(path.glob("*.parquet")):
        from nemesis_sweep.data.own.parquet import read_parquet

        return read_parquet(name, path)
    from nemesis_sweep.data.own.class_folders import read_class_folders

    return read_class_folders(name, path)


def _file(name: str, path: Path) -> Dataset:
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        from nemesis_sweep.data.own.parquet import read_parquet

        return read_parquet(name, path)
    if suffix in (".csv", ".tsv"):
        from nemesis_sweep.data.own.csv_file import read_csv

        return read_csv(name, path)
    raise UserError(Problem("not a dataset", file=str(path), found=suffix or "no suffix", allowed=KINDS))
