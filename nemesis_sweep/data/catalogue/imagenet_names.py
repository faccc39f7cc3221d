"""Names of ImageNet's classes: CoOp's `classnames.txt` where it is, else open_clip's list."""

from collections.abc import Sequence
from pathlib import Path

from nemesis_sweep.data.catalogue.listing import class_folders, lines_of
from nemesis_sweep.data.classnames import clean
from nemesis_sweep.messages.errors import Problem, UserError

FILE = "classnames.txt"
IMAGENET = "imagenet"
CLASSES = 1000


def names_by_folder(folder: Path) -> dict[str, str]:
    """Class name of each WordNet id (`n01440764`), in the order of ImageNet's labels.

    Looks for `classnames.txt` in the folder and in `imagenet/` beside it. Without one, the 1000 names that
    open_clip carries belong to the ids in sorted order, read off a folder with all 1000 of them.
    Raises ``UserError`` when neither is there.
    """
    for path in (folder / FILE, folder.parent / IMAGENET / FILE):
        if path.exists():
            pairs = [line.partition(" ") for line in lines_of(path)]
            return {wordnet: clean(name) for wordnet, _, name in pairs}
    for images in _candidates(folder):
        ids = class_folders(images) if images.is_dir() else []
        if len(ids) == CLASSES:
            return dict(zip(ids, imagenet_classnames(), strict=True))
    raise UserError(
        Problem(
            "the names of the classes are not there",
            file=str(folder / FILE),
            allowed=f"CoOp's {FILE} here or in {IMAGENET}/, or all {CLASSES} class folders of ImageNet",
        )
    )


def _candidates(folder: Path) -> Sequence[Path]:
    """Folders that may hold one folder a class; labels of A and R are known only through ImageNet's own."""
    imagenet = folder.parent / IMAGENET
    own = (folder / "images",) if folder.name == "imagenet-sketch" else ()
    return (*own, *(imagenet / below for below in ("images/train", "images/val", "train", "val")))


def imagenet_classnames() -> tuple[str, ...]:
    """open_clip's cleaned names in the order of labels; two pairs of classes share a name."""
    from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES

    return tuple(clean(name) for name in IMAGENET_CLASSNAMES)


def name_of(names: dict[str, str], wordnet: str, folder: Path) -> str:
    """The name of one class. Raises ``UserError`` for an id without a name."""
    if wordnet not in names:
        raise UserError(Problem("a class folder without a name", file=str(folder / wordnet), allowed=FILE))
    return names[wordnet]
