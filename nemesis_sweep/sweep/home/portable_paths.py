"""What of a sweep means something only where it was written, or must not leave that machine."""

from __future__ import annotations

from nemesis_sweep.data.registry import is_path
from nemesis_sweep.files.current_folder import expanded
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.passwords import masked
from nemesis_sweep.spec.dump import ADDRESSES
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.vlm.registry import embedded_names, find_backbone

ALLOWED = "an absolute path that all nodes of the cluster share"

INSTEAD = {
    "search.storage": "an address without it and ~/.pgpass on the cluster's head; or *** in its place, and"
    " the whole address as NEMESIS_SWEEP_STORAGE in the environment of Ray's head",
    "tracking.mlflow": "an address without it, and MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
    " (or MLFLOW_TRACKING_TOKEN) in the environment of Ray's head; for a database ~/.pgpass there",
}
"""How a sweep that is sent to a cluster has what an address must not hold."""


def refuse_relative_paths(sweep: Sweep) -> None:
    """Raise ``UserError`` for every path that a job, which runs in a folder of its own, would not find."""
    problems = []
    if sweep.tasks.root is not None and _is_relative(sweep.tasks.root):
        problems.append(_relative("tasks.root", sweep.tasks.root))
    if sweep.tasks.root is None:
        problems += [
            _relative(f"tasks.{key}", name)
            for key, names in (("dataset", sweep.tasks.dataset), ("targets", sweep.tasks.targets))
            for name in names
            if is_path(name) and _is_relative(name)
        ]
    for name in sweep.tasks.backbone:
        source = find_backbone(name)
        if source.path is None or name in embedded_names():
            continue
        written = name.partition("@")[2] if source.kind == "file" else name
        if _is_relative(written):
            problems.append(_relative("tasks.backbone", name))
    for key, uri in (("tracking.mlflow", sweep.tracking.mlflow), ("search.storage", sweep.search.storage)):
        if uri is not None and uri.startswith("sqlite") and ":////" not in uri:
            problems.append(_relative(key, uri))
    if problems:
        raise UserError(problems)


def refuse_passwords(sweep: Sweep) -> None:
    """Raise ``UserError`` for every address with a secret: Ray keeps what is sent, for all of its nodes."""
    data = sweep.model_dump(include={section for section, _ in ADDRESSES})
    found = [(f"{section}.{key}", data[section][key] or "") for section, key in ADDRESSES]
    message = "an address with a password is not sent: it would lie in clear on the cluster"
    problems = [
        Problem(message, key, found=masked(uri), allowed=INSTEAD[key])
        for key, uri in found
        if masked(uri) != uri
    ]
    if problems:
        raise UserError(problems)


def _is_relative(path: str) -> bool:
    return not expanded(path).is_absolute()


def _relative(key: str, found: str) -> Problem:
    return Problem("a relative path means nothing on a cluster", key, found=repr(found), allowed=ALLOWED)
