"""Small datasets of a user's own, one of every kind. A builder gives the name that a sweep file uses."""

import csv
import gzip
import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.data.layouts import COUNTS, THREE, folders, jpeg


def class_folders(root: Path) -> str:
    folders("mine", THREE, root)
    return "./mine"


def class_folders_in_splits(root: Path) -> str:
    for split, count in (("train", 10), ("Validation", 4), ("test", 6)):
        folders(f"mine/{split}", THREE, root, count)
    return "./mine"


def rows(root: Path) -> list[tuple[str, str, str]]:
    """Written images: path below ``root``, class, split."""
    found = []
    for split, count in COUNTS.items():
        for name in THREE:
            for number in range(count):
                path = f"images/{split}-{name}-{number}.jpg"
                jpeg(root / path)
                found.append((path, name, split))
    return found


def table_of_paths(root: Path) -> str:
    with (root / "mine.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label", "split"))
        writer.writerows(rows(root))
    return "mine.csv"


def tabs_without_splits(root: Path) -> str:
    lines = ["Path\tLabel", *(f"{path}\t{name}" for path, name, _ in rows(root))]
    (root / "mine.tsv").write_text("\n".join(lines))
    return "mine.tsv"


def parquet_of_bytes(root: Path) -> str:
    """Numbers for labels, with the names in the metadata; two files, whose names tell the split."""
    (root / "mine").mkdir()
    features = {"label": {"names": list(THREE), "_type": "ClassLabel"}, "image": {"_type": "Image"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    written = rows(root)
    for split, file in (("train", "train-00000-of-00001"), ("test", "test-00000-of-00001")):
        chosen = [row for row in written if row[2] == split]
        images = [{"bytes": (root / path).read_bytes(), "path": Path(path).name} for path, _, _ in chosen]
        table = pa.table({"image": images, "label": [THREE.index(name) for _, name, _ in chosen]})
        pq.write_table(table.replace_schema_metadata(metadata), root / "mine" / f"{file}.parquet")
    return "./mine"


def parquet_of_paths(root: Path) -> str:
    paths, names, splits = zip(*rows(root), strict=True)
    table = pa.table({"image": paths, "label": names, "split": splits})
    pq.write_table(
        table.replace_schema_metadata({"template": json.dumps("a drawing of a {}.")}), root / "mine.parquet"
    )
    return "mine.parquet"


def hugging_face(root: Path) -> str:
    """What `DatasetDict.save_to_disk` writes: Arrow streams and the files that list them."""
    written = rows(root)
    folder = root / "saved"
    for split, theirs in (("train", "train"), ("test", "test"), ("val", "validation")):
        chosen = [row for row in written if row[2] == split]
        images = [{"bytes": (root / path).read_bytes(), "path": None} for path, _, _ in chosen]
        features = {"image": {"_type": "Image"}, "label": {"names": list(THREE), "_type": "ClassLabel"}}
        kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
        columns = {"image": pa.array(images, kind), "label": [THREE.index(name) for _, name, _ in chosen]}
        table = pa.table(columns).replace_schema_metadata(
            {"huggingface": json.dumps({"info": {"features": features}})}
        )
        part = folder / theirs
        part.mkdir(parents=True)
        state = {
            "_data_files": [{"filename": "data-00000-of-00001.arrow"}],
            "_fingerprint": "0",
            "_split": theirs,
        }
        (part / "state.json").write_text(json.dumps(state))
        (part / "dataset_info.json").write_text(json.dumps({"features": features}))
        with pa.ipc.new_stream(part / "data-00000-of-00001.arrow", table.schema) as writer:
            writer.write_table(table)
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "test", "validation"]}))
    return "./saved"


def torchvision_images(root: Path) -> str:
    """MNIST's own files, as torchvision keeps them."""
    folder = root / "MNIST" / "raw"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for prefix, count in (("train", 120), ("t10k", 30)):
        images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        for name, data in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(">HBB", 0, 8, data.ndim) + struct.pack(f">{data.ndim}I", *data.shape)
            (folder / f"{prefix}-{name}-ubyte").write_bytes(header + data.tobytes())
            (folder / f"{prefix}-{name}-ubyte.gz").write_bytes(gzip.compress(header + data.tobytes()))
    return "torchvision:MNIST"


def torchvision_files(root: Path) -> str:
    """Country211: class folders in splits, which torchvision names train, valid and test."""
    for split, count in (("train", 10), ("valid", 4), ("test", 6)):
        folders(f"country211/{split}", ("AD", "CH", "ZW"), root, count)
        for text in (root / "country211" / split).glob("*/.hidden.jpg"):
            text.unlink()
    return "torchvision:Country211"


ALL: dict[str, Callable[[Path], str]] = {
    "class folders": class_folders,
    "class folders in splits": class_folders_in_splits,
    "csv": table_of_paths,
    "tsv without splits": tabs_without_splits,
    "parquet of bytes": parquet_of_bytes,
    "parquet of paths": parquet_of_paths,
    "hugging face": hugging_face,
    "torchvision MNIST": torchvision_images,
    "torchvision Country211": torchvision_files,
}
