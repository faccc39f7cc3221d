"""Why a trial that is trained again may come to other numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from nemesis_sweep.data.folder import default_root
from nemesis_sweep.files.sealed import DamagedError, read_sealed
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.prompts.artifact import FILES as PROMPT
from nemesis_sweep.sweep.home.episodes import gives_other_images
from nemesis_sweep.sweep.home.folder import Home, environment
from nemesis_sweep.sweep.trial_spec import JointTrialSpec, TrialSpec, parts_of

PACKAGES = ("nemesis-sweep", "torch", "open_clip_torch", "numpy")
"""Those that compute."""


def reasons(
    home: Home, before: TrialSpec | JointTrialSpec, again: TrialSpec | JointTrialSpec
) -> Iterator[str]:
    """A line for each thing that is not as it was in the home's last run, or of which no record tells."""
    yield from _data(home, again)
    then, now = _environment(home), environment()
    if not then:
        yield "the home does not say with which versions it was run"
    else:
        versions = then.get("packages", {})
        for name in PACKAGES:
            if (old := versions.get(name)) != (new := now["packages"][name]):
                yield f"{name} {old} then, {new} now"
        for name in ("python", "platform"):
            if then.get(name) != now[name]:
                yield f"{name} {then.get(name)} then, {now[name]} now"
        if then.get("git_commit") != now["git_commit"]:
            yield "another commit of this package"
    for old_part, new_part in zip(parts_of(before), parts_of(again), strict=True):
        files = [part.folder / PROMPT.facts for part in (old_part, new_part)]
        prints = [_fingerprint(file) for file in files]
        if all(prints) and prints[0] != prints[1]:
            yield f"{old_part.task.backbone} has other weights now"
    yield f"images that {default_root()} lacked were encoded anew, which changes the last digits of features"
    yield f"the device is not recorded; trained now on {_device()}"


def _data(home: Home, again: TrialSpec | JointTrialSpec) -> Iterator[str]:
    for part in parts_of(again):
        with suppress(UserError):  # It was there a moment ago.
            if gives_other_images(part.task, part.seeds, home):
                yield f"{part.task.dataset} gives other images than when the sweep began"


def _environment(home: Home) -> dict[str, Any]:
    try:
        return read_sealed(home.path / "environment.json")
    except DamagedError:
        return {}


def _fingerprint(file: Any) -> str:
    with suppress(OSError, ValueError, AttributeError):
        return str(json.loads(file.read_text(encoding="utf-8")).get("fingerprint", ""))
    return ""


def _device() -> str:
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "the CPU"
