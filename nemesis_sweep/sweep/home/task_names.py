"""What a home calls its tasks: `tasks.json`. A name stays once it is given, for trials are found by it."""

from dataclasses import asdict, replace

from nemesis_sweep.files.sealed import DamagedError, read_sealed, write_sealed
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.task_names import Names
from nemesis_sweep.spec.tasks import Task, slug
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.home.simulated import is_simulated

RECORD = "tasks.json"
FIELDS = ("backbone", "dataset", "shots", "protocol")


def named_in(home: Home, sweep: Sweep) -> Sweep:
    """Return the sweep with the names that the home has for its tasks; the others get short ones.

    A home of an earlier version has no record: there a task is called by all that tells it apart.
    Raises ``UserError`` for a record that cannot be read.
    """
    record = _read(home)
    known = {task.identity for task in record.tasks}
    old = [
        replace(task, name=task.identity)
        for task in sweep.tasks.task_list()
        if task.identity not in known and _is_of_earlier_version(home, task)
    ]
    targets = record.targets
    if targets is None and old:
        targets = {name: slug(name) for name in sweep.tasks.targets}
    return sweep.called(Names((*record.tasks, *old), targets))


def record_names(sweep: Sweep, home: Home) -> None:
    """Write what the sweep calls its tasks, beside what the home has of others."""
    record = _read(home)
    tasks = {task.identity: task for task in (*record.tasks, *sweep.task_list())}
    targets = record.targets or next(
        ({dataset: name for name, dataset in task.tested.items()} for task in tasks.values() if task.targets),
        {},
    )
    named = {task.key: {field: asdict(task)[field] for field in FIELDS} for task in tasks.values()}
    write_sealed(home.path / RECORD, {"tasks": named, "targets": dict(targets)})


def _is_of_earlier_version(home: Home, task: Task) -> bool:
    """Whether a version without names of its own has trained the task, or begun to."""
    if is_simulated(home.path):  # It draws no episodes.
        return home.sweep_file.exists() and not (home.path / RECORD).exists()
    return (home.path / "episodes" / f"{task.identity}.json").exists()


def _read(home: Home) -> Names:
    path = home.path / RECORD
    if not path.exists():
        return Names()
    try:
        record = read_sealed(path)
        tasks = tuple(
            Task(**{field: fields[field] for field in FIELDS}, name=name)
            for name, fields in record["tasks"].items()
        )
        return Names(tasks, record["targets"] or None)
    except (DamagedError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(home, error) from error


def _damaged(home: Home, error: Exception) -> UserError:
    return UserError(
        Problem(
            f"cannot read what this home calls its tasks: {error}",
            key="--home",
            file=str(home.path / RECORD),
            allowed="the file as it was, another --home, or --fresh to start over",
        )
    )
