"""Which images a sweep trains and validates on: `episodes/TASK.json` in its home, written once."""

import json
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from nemesis_sweep.data.dataset import SPLITS, Dataset
from nemesis_sweep.data.episodes import incomplete_classes
from nemesis_sweep.data.fingerprint import fingerprint
from nemesis_sweep.data.protocols import Arrangement, arrange
from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.spec.errors import Problem, UserError
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.home import Home, write_json

RULE = "random.Random(seed); shots of each class of train, then min(shots, 4) of val, on the same stream"
PLACE = ("folder",)
"""Where the images lie may change from run to run; what is drawn may not."""


def record_episodes(sweep: Sweep, home: Home) -> list[Path]:
    """Write the few-shot images of every task's seeds and return the files.

    Loads every dataset, so that one that is not there ends the sweep before it begins. A file that a former
    run wrote stays. Raises ``UserError`` when a dataset cannot be loaded, or gives other images than then.
    """
    opened = lru_cache(maxsize=8)(_open)
    records = {}
    for task in sweep.task_list():
        arranged = arrange(task, sweep.tasks.seeds, partial(_dataset, opened, task.root))
        _, identity = opened(task.dataset, task.root)
        record = {"fingerprint": identity, **episodes_record(arranged, task)}
        records[home.path / "episodes" / f"{task.key}.json"] = record
    before = {path: _before(path) for path in records}
    for path, former in before.items():
        if former is not None and _comparable(former) != _comparable(records[path]):
            raise _changed(path, former, records[path])
    for path, former in before.items():
        if former is None:
            write_json(path, records[path])
    return list(records)


def episodes_record(arranged: Arrangement, task: Task) -> dict[str, Any]:
    """What is drawn of a dataset for each seed, where its split comes from, and which classes fall short."""
    dataset, episodes = arranged.source, arranged.episodes
    return {
        "dataset": task.dataset,
        "shots": task.shots,
        "split": dataset.split,
        "folder": str(dataset.folder or ""),
        "classes": len(dataset.classnames),
        "images": {split: len(dataset.splits[split]) for split in SPLITS},
        "rule": RULE,
        "val_from": episodes[0].val_from,
        # The same for every seed: it depends only on how many images a class has.
        "incomplete": incomplete_classes(dataset, episodes[0]),
        "episodes": {
            str(episode.seed): {
                "train": [dataset.local(item) for item in episode.train],
                "val": [dataset.local(item) for item in episode.val],
            }
            for episode in episodes
        },
    }


def _dataset(
    opened: Callable[[str, str | None], tuple[Dataset, str]], root: str | None, name: str
) -> Dataset:
    return opened(name, root)[0]


def _open(name: str, root: str | None) -> tuple[Dataset, str]:
    dataset = load_dataset(name, root)
    return dataset, fingerprint(dataset)


def _before(path: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def _changed(path: Path, before: dict[str, Any], now: dict[str, Any]) -> UserError:
    return UserError(
        Problem(
            f"{now['dataset']} gives other images than when this sweep began",
            key="--home",
            found=f"{now['split']}, {now['images']}",
            allowed=f"{before.get('split')}, {before.get('images')} as in {path}, or another --home",
        )
    )


def _comparable(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in PLACE}
