"""The datasets that can be named in a sweep file. Importing this module reads no data."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nemesis_sweep.spec.errors import Problem, UserError, nearest

if TYPE_CHECKING:
    from nemesis_sweep.data.dataset import Dataset

EMBEDDED = Path(__file__).parents[1] / "embedded"


def _parquet(name: str, path: Path) -> "Dataset":
    from nemesis_sweep.data.parquet import read_parquet

    return read_parquet(name, path)


DATASETS: dict[str, Callable[[], "Dataset"]] = {
    name: partial(_parquet, name, EMBEDDED / f"{name}.parquet") for name in ("clipart", "emoji", "digits")
}


def dataset_names() -> list[str]:
    """Every name that :func:`load_dataset` accepts."""
    return sorted(DATASETS)


def load_dataset(name: str) -> "Dataset":
    """The dataset of that name. An unknown name is a ``UserError`` that tells the nearest one."""
    if name not in DATASETS:
        names = dataset_names()
        raise UserError(
            Problem(
                "unknown dataset", found=repr(name), allowed=", ".join(names), nearest=nearest(name, names)
            )
        )
    return DATASETS[name]()
