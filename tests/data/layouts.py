"""Small datasets laid out exactly as the real ones: three classes or so, images of a few pixels."""

import io
import json
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

Builder = Callable[[Path], None]
COUNTS = {"train": 10, "val": 4, "test": 6}
THREE = ("first_kind", "second", "third_kind")


def jpeg(path: Path) -> None:
    """Write a small image whose colour follows from the last parts of its path."""
    colour = zlib.crc32("/".join(path.parts[-2:]).encode()).to_bytes(4, "big")[:3]
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), tuple(colour)).save(buffer, "JPEG", quality=95)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())


def text(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def split_file(folder: str, images: str, file: str, root: Path, counts: dict[str, int] | None = None) -> None:
    """CoOp's: images in class folders, and one JSON file of the split."""
    splits: dict[str, list[tuple[str, int, str]]] = {}
    number = 0
    for split, count in (counts or COUNTS).items():
        splits[split] = []
        for label, name in reversed(list(enumerate(THREE))):
            for _ in range(count):
                number += 1
                image = f"{name}/image_{number:04d}.jpg"
                jpeg(root / folder / images / image)
                splits[split].append((image, label, name))
    (root / folder / file).write_text(json.dumps(splits))


def folders(place: str, names: Sequence[str], root: Path, count: int = 20) -> None:
    """Class folders, with a file that is no image and a hidden one in them."""
    for name in names:
        for number in range(count):
            jpeg(root / place / name / f"image_{number:04d}.jpg")
        (root / place / name / "README.txt").write_text("no image")
        (root / place / name / ".hidden.jpg").write_text("no image")


def pets(folder: str, root: Path) -> None:
    lines = {
        file: [
            f"{breed}_{n} {label} 1 1"
            for label, breed in enumerate(("Abyssinian", "Maine_Coon"), 1)
            for n in numbers
        ]
        for file, numbers in (("trainval", range(1, 11)), ("test", range(11, 17)))
    }
    for file, rows in lines.items():
        text(root / folder / "annotations" / f"{file}.txt", rows)
        for row in rows:
            jpeg(root / folder / "images" / f"{row.split()[0]}.jpg")


def cars(root: Path) -> None:
    folder = root / "stanford_cars"
    (folder / "devkit").mkdir(parents=True)
    names = ["AM General Hummer SUV 2000", "Audi S4 Sedan 2012"]
    savemat(folder / "devkit/cars_meta.mat", {"class_names": np.array(names, dtype=object)[None]})
    for split, file in (("train", "devkit/cars_train_annos.mat"), ("test", "cars_test_annos_withlabels.mat")):
        rows = [(1, 1 + n % 2, f"{n:05d}.jpg") for n in range(1, 21)]
        kinds = [("bbox_x1", object), ("class", object), ("fname", object)]
        savemat(folder / file, {"annotations": np.array(rows, dtype=kinds)[None]})
        for _, _, image in rows:
            jpeg(folder / f"cars_{split}" / image)


def flowers(folder: str, names: bool, root: Path) -> None:
    place = root / folder
    for number in range(1, 31):
        jpeg(place / "jpg" / f"image_{number:05d}.jpg")
    savemat(place / "imagelabels.mat", {"labels": np.array([[1 + n % 3 for n in range(30)]])})
    sets = {"trnid": range(1, 13), "valid": range(13, 19), "tstid": range(19, 31)}
    savemat(place / "setid.mat", {name: np.array([list(ids)]) for name, ids in sets.items()})
    if names:
        (place / "cat_to_name.json").write_text(json.dumps({"2": "rose", "1": "tiger_lily", "3": "iris"}))


def food(root: Path) -> None:
    for split, numbers in (("train", range(10)), ("test", range(10, 16))):
        lists = {name: [f"{name}/{number}" for number in numbers] for name in ("waffles", "apple_pie")}
        text(root / "food-101/meta" / f"{split}.json", [json.dumps(lists)])
        for files in lists.values():
            for file in files:
                jpeg(root / "food-101/images" / f"{file}.jpg")


def aircraft(folder: str, root: Path) -> None:
    variants = ("707-320", "DC-9 30 x", "A340_600")
    text(root / folder / "variants.txt", variants)
    for at, split in enumerate(COUNTS):
        rows = [f"{at}{n:06d} {variants[n % 3]}" for n in range(12)]
        text(root / folder / f"images_variant_{split}.txt", rows)
        for row in rows:
            jpeg(root / folder / "images" / f"{row.split()[0]}.jpg")


SCENES = ("/a/abbey", "/a/athletic_field/outdoor", "/z/zen_garden")


def scenes(images: str, lists: str, partition: bool, root: Path) -> None:
    text(root / lists / "ClassName.txt", SCENES)
    files = {scene: [f"{scene}/sun_{n:04d}.jpg" for n in range(20)] for scene in SCENES}
    for each in files.values():
        for file in each:
            jpeg(root / images / file.lstrip("/"))
    if partition:
        text(root / lists / "Training_01.txt", [file for each in files.values() for file in each[:10]])
        text(root / lists / "Testing_01.txt", [file for each in files.values() for file in each[10:]])


def textures(folder: str, root: Path) -> None:
    for at, split in enumerate(COUNTS):
        files = [f"{name}/{name}_{at}{n:03d}.jpg" for name in ("banded", "polka-dotted") for n in range(8)]
        text(root / folder / "labels" / f"{split}1.txt", files)
        for file in files:
            jpeg(root / folder / "images" / file)


def actions(root: Path) -> None:
    lists = root / "ucf101/ucfTrainTestlist"
    names = ("ApplyEyeMakeup", "TaiChi", "YoYo")
    text(lists / "classInd.txt", [f"{number} {name}" for number, name in enumerate(names, 1)])
    for file, groups in (("trainlist01", range(8, 18)), ("testlist01", range(1, 7))):
        rows = []
        for number, name in enumerate(names, 1):
            for group in groups:
                video = f"v_{name}_g{group:02d}_c01"
                rows.append(f"{name}/{video}.avi" + (f" {number}" if file.startswith("train") else ""))
                parts = {"ApplyEyeMakeup": "Apply_Eye_Makeup", "TaiChi": "Tai_Chi", "YoYo": "Yo_Yo"}
                jpeg(root / "ucf101/UCF-101-midframes" / parts[name] / f"{video}.jpg")
        text(lists / f"{file}.txt", rows)


IDS = {"n01440764": "tench", "n01443537": "goldfish", "n02119022": "red fox"}


def imagenet(images: str, root: Path, train: int = 12) -> None:
    folders(f"{images}/train", list(IDS), root, train)
    folders(f"{images}/val", list(IDS), root, 4)
    names(root / "imagenet")


def names(folder: Path) -> None:
    """CoOp's classnames.txt; lines in the order of labels."""
    text(folder / "classnames.txt", [f"{wordnet} {name}" for wordnet, name in IDS.items()])


def variant(folder: str, images: str, ids: Sequence[str], root: Path) -> None:
    folders(f"{folder}/{images}", ids, root, 3)
    names(root / folder)


def _zhou(file: str, *places: tuple[str, str]) -> list[Builder]:
    return [partial(split_file, folder, images, file) for folder, images in places]


CALTECH = ("BACKGROUND_Google", "Faces", "Faces_easy", "airplanes", "car_side")
ALL: dict[str, list[Builder]] = {
    "imagenet": [partial(imagenet, "imagenet/images"), partial(imagenet, "imagenet")],
    "caltech101": [
        *_zhou(
            "split_zhou_Caltech101.json",
            *((f, "101_ObjectCategories") for f in ("caltech-101", "caltech101")),
        ),
        partial(folders, "caltech-101/101_ObjectCategories", CALTECH),
        partial(folders, "caltech101/101_ObjectCategories", CALTECH),
    ],
    "oxford_pets": [
        *_zhou("split_zhou_OxfordPets.json", ("oxford_pets", "images"), ("oxford-iiit-pet", "images")),
        partial(pets, "oxford_pets"),
        partial(pets, "oxford-iiit-pet"),
    ],
    "stanford_cars": [*_zhou("split_zhou_StanfordCars.json", ("stanford_cars", ".")), cars],
    "oxford_flowers": [
        *_zhou("split_zhou_OxfordFlowers.json", ("oxford_flowers", "jpg"), ("flowers-102", "jpg")),
        partial(flowers, "oxford_flowers", True),
        partial(flowers, "flowers-102", False),
    ],
    "food101": [*_zhou("split_zhou_Food101.json", ("food-101", "images")), food],
    "fgvc_aircraft": [partial(aircraft, "fgvc_aircraft"), partial(aircraft, "fgvc-aircraft-2013b/data")],
    "sun397": [
        *_zhou("split_zhou_SUN397.json", ("sun397", "SUN397"), ("SUN397", ".")),
        partial(scenes, "sun397/SUN397", "sun397", True),
        partial(scenes, "SUN397", "SUN397", False),
    ],
    "dtd": [
        *_zhou("split_zhou_DescribableTextures.json", ("dtd", "images"), ("dtd/dtd", "images")),
        partial(textures, "dtd"),
        partial(textures, "dtd/dtd"),
    ],
    "eurosat": [
        *_zhou("split_zhou_EuroSAT.json", ("eurosat", "2750")),
        partial(folders, "eurosat/2750", ("AnnualCrop", "SeaLake")),
    ],
    "ucf101": [*_zhou("split_zhou_UCF101.json", ("ucf101", "UCF-101-midframes")), actions],
    "imagenetv2": [
        partial(variant, "imagenetv2", "imagenetv2-matched-frequency-format-val", ("0", "1", "2"))
    ],
    "imagenet_sketch": [partial(variant, "imagenet-sketch", "images", tuple(IDS))],
    "imagenet_a": [partial(variant, "imagenet-adversarial", "imagenet-a", tuple(IDS)[1:])],
    "imagenet_r": [partial(variant, "imagenet-rendition", "imagenet-r", tuple(IDS)[::2])],
}
"""A builder for each layout of each dataset, in the catalogue's order."""
