"""Which images a sweep trains and validates on: `episodes/TASK.json` in its home.

What is written stays. Seeds that a sweep has only later, as `search.confirm` gives it, are added.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from operator import attrgetter
from pathlib import Path
from typing import Any

from nemesis_sweep.data.dataset import SPLITS, Dataset
from nemesis_sweep.data.episodes import incomplete_classes
from nemesis_sweep.data.fingerprint import fingerprint
from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.data.protocols import Load, ProtocolSplit, arrange
from nemesis_sweep.data.registry import SHIPPED, load_dataset
from nemesis_sweep.data.selection import too_few
from nemesis_sweep.data.skipping import without
from nemesis_sweep.data.twins import told, twins_of
from nemesis_sweep.files.sealed import CHECKSUM, DamagedError, read_sealed, write_sealed
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.printable import printable
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.named_data import named_by
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import ALL, PUBLISHED, Task
from nemesis_sweep.sweep.fitting import refuse_long_names
from nemesis_sweep.sweep.home.copies import restore
from nemesis_sweep.sweep.home.folder import Home, quiet
from nemesis_sweep.sweep.home.images import Images, LookAtTasks
from nemesis_sweep.sweep.home.task_names import named_in
from nemesis_sweep.sweep.worker.result import set_aside

RULE = "random.Random(seed); shots of each class of train, then {} of val{}"
PLACE = ("folder", CHECKSUM)
"""Where the images lie may change from run to run; what is drawn may not."""


def record_episodes(
    sweep: Sweep, home: Home, say: SayLine = quiet, look: LookAtTasks | None = None
) -> list[Path]:
    """Write the few-shot images of every task's seeds, fresh ones included, and return the files.

    Loads every dataset and looks at the images that its tasks use, so that what is not there or broken ends
    the sweep before it begins. Images that have features in the cache can be read; the others are decoded
    here, or, where there are many, by ``look``. A file that a former run wrote stays. say: gets lines about
    images that are skipped and classes that fall short.

    Raises ``UserError`` when a dataset cannot be loaded, has class names that are too long, gives other
    images than then, or has images that cannot be read and are not to be skipped.
    """
    _mend(home, say)
    opened = lru_cache(maxsize=32)(partial(_open, sweep))
    records = {}
    images = Images(skip=sweep.tasks.unreadable == "skip", say=say)
    drawn = {
        task: arrange(task, sweep.all_seeds, partial(_dataset, opened, task.root))
        for task in sweep.task_list()
    }
    before = {task: _before(_record_of(home, task)) for task in drawn}
    new = {task: fresh for task, arranged in drawn.items() if (fresh := _fresh(arranged, before[task]))}
    asked = {(name, task.root) for task in new for name in (task.dataset, *task.targets)}
    refuse_long_names(sweep, new, {name: opened(name, root)[0].classnames for name, root in asked})
    images.look_first(new, look)
    for line in _notes(drawn.values()):
        say(line)
    for task, arranged in drawn.items():
        path = _record_of(home, task)
        _, identity = opened(task.dataset, task.root)
        skipped = images.skipped(arranged, task, before[task])
        if before[task] is not None and task in new:
            skipped |= images.skipped(new[task], task, None)
        record = {"fingerprint": identity, **episodes_record(without(arranged, skipped), task)}
        lines = (*too_few(task.label, record["incomplete"]), *_twins(task, without(arranged, skipped)))
        for line in lines:
            say(line)
        records[path] = {**record, "skipped": skipped} if skipped else record
    images.refuse_broken()
    for (path, record), former in zip(records.items(), before.values(), strict=True):
        if former is not None and not _goes_on(former, record):
            raise _changed(path, former, record)
    for (path, record), former in zip(records.items(), before.values(), strict=True):
        if former is None:
            write_sealed(path, record)
        elif record["episodes"].keys() - former["episodes"].keys():
            write_sealed(path, {**record, "episodes": {**former["episodes"], **record["episodes"]}})
    return list(records)


def _fresh(arranged: ProtocolSplit, former: Mapping[str, Any] | None) -> ProtocolSplit | None:
    """What a former run has not looked at: all of it, or its episodes of further seeds; None of nothing."""
    if former is None:
        return arranged
    episodes = tuple(each for each in arranged.episodes if str(each.seed) not in former["episodes"])
    untested = replace(arranged.source, splits={**arranged.source.splits, "test": []})
    return ProtocolSplit(untested, episodes, {}) if episodes else None


def episodes_record(arranged: ProtocolSplit, task: Task) -> dict[str, Any]:
    """What is drawn of a dataset for each seed, where its split comes from, and which classes fall short."""
    dataset, episodes = arranged.source, arranged.episodes
    return {
        "dataset": task.dataset,
        "shots": task.shots,
        "split": dataset.split,
        "folder": str(dataset.folder or ""),
        "classes": len(dataset.classnames),
        "images": {split: len(dataset.splits[split]) for split in SPLITS},
        "rule": _rule(task),
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


def _rule(task: Task) -> str:
    """How images are drawn, in words. The published rule's are the same in all homes, whatever made them."""
    asked = "min(shots, 4)" if task.val_shots == PUBLISHED else str(task.val_shots)
    return RULE.format(asked, "" if task.val_shots == ALL else ", on the same stream")


def home_split(task: Task, seeds: Sequence[int], load: Load, home: Home) -> ProtocolSplit:
    """What a trial of a sweep trains on and is tested on: without the images that its record skips."""
    record = _before(_record_of(home, task)) or {}
    return without(arrange(task, seeds, load), record.get("skipped", {}))


def gives_other_images(task: Task, seeds: Sequence[int], home: Home) -> bool:
    """Whether the dataset of a task is no longer what it was when the sweep began; False without a record.

    It is listed anew. An image counts by its path, as in ``record_episodes``. Raises ``UserError`` when it
    cannot be loaded.
    """
    former = _before(_record_of(home, task))
    if former is None:
        return False
    load = lru_cache(partial(load_dataset, root=task.root))
    drawn = episodes_record(home_split(task, seeds, load, home), task)
    kept = {"fingerprint": fingerprint(load(task.dataset)), "skipped": former.get("skipped", {})}
    return not _goes_on(former, kept | drawn)


def _notes(splits: Iterable[ProtocolSplit]) -> Iterator[str]:
    """What there is to say of the datasets, each once."""
    datasets = [data for each in splits for data in (each.source, *each.targets.values())]
    lines = [f"{data.name}: {note}" for data in datasets for note in data.notes]
    yield from map(printable, dict.fromkeys(lines))


def _twins(task: Task, arranged: ProtocolSplit) -> Iterator[str]:
    """A line on images that are learnt and tested."""
    source = arranged.source
    learnt = [item for episode in arranged.episodes for item in (*episode.train, *episode.val)]
    for data in (source, *arranged.targets.values()):
        if data.split == source.split == SHIPPED:  # tested
            continue
        lines = told(twins_of(learnt, data.test, source.local if data is source else attrgetter("source")))
        yield from (printable(f"{task.label}: {line}") for line in lines)


def _record_of(home: Home, task: Task) -> Path:
    return home.path / "episodes" / f"{task.key}.json"


def _dataset(
    opened: Callable[[str, str | None], tuple[Dataset, str]], root: str | None, name: str
) -> Dataset:
    return opened(name, root)[0]


def _open(sweep: Sweep, name: str, root: str | None) -> tuple[Dataset, str]:
    try:
        dataset = load_dataset(name, root)
    except UserError as error:
        raise named_by(sweep, name, error) from error
    return dataset, fingerprint(dataset)


def _mend(home: Home, say: SayLine) -> None:
    """Restore damaged records of a sweep that has begun; without a copy they are drawn again."""
    former = named_in(home, load_sweep(home.sweep_file)).task_list() if home.sweep_file.exists() else ()
    for task in former:
        file = _record_of(home, task)
        try:
            _read(file)
        except DamagedError as error:
            if restore(home, file, f"episodes/{file.name}", lambda copy: _before(copy) is not None):
                say(f"{error}; restored from the copy in MLflow's artifacts")
            else:
                set_aside(file)
                say(
                    f"{error}; drawn again from the data, and images that cannot be read are looked for again"
                )


def _before(path: Path) -> dict[str, Any] | None:
    try:
        return _read(path)
    except DamagedError:
        return None


def _read(path: Path) -> dict[str, Any]:
    record = read_sealed(path)
    if not all(isinstance(record.get(name), dict) for name in ("episodes", "images")):
        raise DamagedError(path, "holds no episodes")
    if not isinstance(record.get("skipped", {}), dict):
        raise DamagedError(path, "does not say which images are skipped")
    return record


def _changed(path: Path, before: dict[str, Any], now: dict[str, Any]) -> UserError:
    return UserError(
        Problem(
            f"{now['dataset']} gives other images than when this sweep began",
            key="--home",
            found=f"{now['split']}, {now['images']}",
            allowed=f"{before.get('split')}, {before.get('images')} as in {path}, or another --home",
        )
    )


def _goes_on(former: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether nothing of a record has changed, but for seeds that only one of the two has, and images that
    are skipped for those."""
    kept = {
        "episodes": former["episodes"].keys() & now["episodes"].keys(),
        "skipped": former.get("skipped", {}).keys(),
    }

    def part(record: Mapping[str, Any]) -> dict[str, Any]:
        shared = {
            key: {name: value for name, value in record.get(key, {}).items() if name in names}
            for key, names in kept.items()
        }
        return {key: value for key, value in record.items() if key not in PLACE} | shared

    return part(former) == part(now)
