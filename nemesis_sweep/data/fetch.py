"""Downloading a dataset where torchvision can, and only when asked."""

from pathlib import Path

from nemesis_sweep.data.catalogue import CATALOGUE
from nemesis_sweep.data.own.torchvision_names import PREFIX
from nemesis_sweep.data.registry import EMBEDDED, check_name
from nemesis_sweep.messages.errors import Problem, UserError


def fetchable_names() -> list[str]:
    """The datasets of the catalogue that torchvision can download."""
    return [entry.name for entry in CATALOGUE.values() if entry.torchvision]


def fetch(name: str, root: Path) -> None:
    """Download a dataset below the data root, in torchvision's layout; what is there already stays.

    Raises ``UserError`` when torchvision cannot download it, or when the download fails.
    """
    check_name(name)
    entry = CATALOGUE.get(name)
    if entry is not None and entry.find(root) is not None:
        return
    made = entry.torchvision if entry else name.removeprefix(PREFIX) if name.startswith(PREFIX) else ""
    if not made:
        told, below = ("; to be put there by hand:", entry.expected(root)) if entry else ("", ())
        allowed = f"{', '.join(fetchable_names())}, {PREFIX}NAME{told}"
        message = "torchvision cannot download this dataset"
        if name in EMBEDDED:
            message = "this dataset ships with the package, so there is nothing to download"
        raise UserError(Problem(message, found=name, allowed=allowed, below=below))
    from nemesis_sweep.data.own.torchvision_sets import download

    root.mkdir(parents=True, exist_ok=True)
    download(made, root)
    if entry is not None and entry.find(root) is None:
        raise entry.absent(root)
