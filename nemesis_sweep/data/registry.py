"""The datasets that a sweep file may name. Importing this module, and finding one, reads no images.

A dataset is named by one of
- a set that ships with the package (`clipart`);
- a dataset of the catalogue (`caltech101`), which lies below the data root;
- `torchvision:NAME`: a class of torchvision.datasets, below the data root;
- `module:name`: a function of your own that gives a Dataset, or a name that an installed package adds;
- a path: a folder, a Parquet file or a CSV file of your own.
The data root is `tasks.root`, else $NEMESIS_SWEEP_DATA, else the current folder. Relative paths start there.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nemesis_sweep.data.catalogue import CATALOGUE
from nemesis_sweep.data.other_names import meant_dataset
from nemesis_sweep.data.own.outside import read_outside, refuse_no_dataset
from nemesis_sweep.data.own.torchvision_names import PREFIX, torchvision_names
from nemesis_sweep.files.nearest_path import nearest_path
from nemesis_sweep.files.regular_file import is_there
from nemesis_sweep.messages.errors import Problem, UserError, nearest
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.spec.data_root import data_root
from nemesis_sweep.spec.outside.reference import FORM, outside, short_names

if TYPE_CHECKING:
    from nemesis_sweep.data.dataset import Dataset

FOLDER = Path(__file__).parents[1] / "embedded"
SHIPPED = "shipped"
EMBEDDED = ("clipart", "clipart_ink", "digits", "emoji", "emoji_streamline")
SUFFIXES = (".csv", ".tsv", ".parquet")


def dataset_names() -> list[str]:
    """Every dataset that has a name; paths and `torchvision:NAME` may be given beside them."""
    return [*EMBEDDED, *CATALOGUE]


def is_path(name: str) -> bool:
    """Whether a dataset's name is a path, by its form."""
    return "/" in name or name.startswith(("~", ".")) or name.lower().endswith(SUFFIXES)


def check_name(name: str, beside: Path | None = None) -> None:
    """Raise ``UserError`` with the nearest name for a name that no dataset has. Paths are not looked up.

    beside: a folder in which, as in the data root, something of that name may be what is meant.
    """
    if name in EMBEDDED or name in CATALOGUE or is_path(name):
        return
    if name.startswith(PREFIX):
        known = torchvision_names()
        short = name.removeprefix(PREFIX)
        if short not in known:
            near = meant_dataset(name).removeprefix(PREFIX) or nearest(short, known)
            raise UserError(
                Problem(
                    "unknown torchvision dataset",
                    "",
                    "",
                    None,
                    repr(name),
                    listed(known),
                    near and PREFIX + near,
                )
            )
        return
    if place := outside(name, "datasets"):
        refuse_no_dataset(place)
        return
    near = _as_path(name, beside) or meant_dataset(name) or nearest(name, dataset_names())
    named = [*dataset_names(), *short_names("datasets"), f"{PREFIX}NAME", FORM]
    allowed = f"{', '.join(named)}, or a path (./images, data.parquet, data.csv)"
    raise UserError(Problem("unknown dataset", found=repr(name), allowed=allowed, nearest=near))


def _as_path(name: str, beside: Path | None) -> str:
    """How to write what lies there under this name; '' when nothing does."""
    root = data_root()
    if name and is_there(root / name):
        return f"./{name}"
    place = beside / name if name and beside is not None else root
    return str(place.absolute()) if place != root and is_there(place) else ""


def missing_data(name: str, root: str | Path | None = None) -> str:
    """What of a dataset is not there, in words; '' when it is. No list and no image is opened.

    Of a dataset of torchvision only its own code knows what it needs: it is looked for when it is loaded.
    """
    place = data_root(root)
    if name in CATALOGUE:
        return "" if CATALOGUE[name].find(place) else f"{CATALOGUE[name].title} is not below {place}"
    if name in EMBEDDED or not is_path(name):
        return ""
    path = path_of(name, place)
    if is_there(path):
        return ""
    near = nearest_path(path)
    return f"there is no {path}" + (f"; did you mean {near!r}?" if near else "")


def path_of(name: str, root: Path) -> Path:
    """Where data of one's own lies. Raises ``UserError`` for the home of a user that there is not."""
    try:
        return root / Path(name).expanduser()
    except RuntimeError as error:
        raise UserError(Problem("no such user", found=repr(name), allowed="a path")) from error


def own_data(name: str, root: str | Path | None = None) -> Path | None:
    """Where a dataset lies that is named by its path and is there; None for all others."""
    if name in EMBEDDED or name in CATALOGUE or name.startswith(PREFIX) or not is_path(name):
        return None
    path = path_of(name, data_root(root))
    return path if is_there(path) else None


def load_dataset(name: str, root: str | Path | None = None) -> "Dataset":
    """The dataset of that name or at that path; image files are listed, not opened.

    root: the data root. Raises ``UserError`` for an unknown name (with the nearest one), for data that is not
    there (with the layouts that are looked for), and for lists that cannot be read.
    """
    if not isinstance(name, str):
        raise UserError(Problem("not a name of a dataset", "dataset", found=repr(name), allowed="a text"))
    check_name(name)
    if name in EMBEDDED:
        from nemesis_sweep.data.own.parquet import read_parquet

        dataset = read_parquet(name, FOLDER / f"{name}.parquet", shipped=True)
        return replace(dataset, split=SHIPPED, folder=None, notes=())
    place = data_root(root)
    if name in CATALOGUE:
        return CATALOGUE[name].load(place)
    if name.startswith(PREFIX):
        from nemesis_sweep.data.own.torchvision_sets import read_torchvision

        return read_torchvision(name, place)
    if not is_path(name) and (own := outside(name, "datasets")):
        return read_outside(name, own, place)
    from nemesis_sweep.data.own.path import read_path

    return read_path(name, path_of(name, place))
