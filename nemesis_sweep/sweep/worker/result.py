"""What a complete trial leaves: `result.json`, which carries a checksum and is checked when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from nemesis_sweep.files.sealed import DamagedError, read_sealed, write_sealed
from nemesis_sweep.messages.faults import shown
from nemesis_sweep.prompts.artifact import FACTS, prompt_checksum

RESULT = "result.json"
CHECKPOINT = "checkpoint"
"""The folder in a trial's that holds the state of its training."""
NOTE = "note"
"""Key of a worker's answer: what a person should know of, such as a damaged file, in one line."""
ASIDE = ".damaged"
"""What the name of a file ends with that was found damaged: nothing is thrown away."""
PROMPT = "prompt_checksum"
"""The checksum of the prompt that the trial ended with."""


class _Result(BaseModel):
    """What has to be in every result, whichever version wrote it."""

    model_config = ConfigDict(strict=True)

    study: str
    number: str
    baseline: str
    params: dict[str, Any]
    config: dict[str, Any]
    seeds: list[int]
    epochs: int
    metrics: dict[str, float]
    replicates: dict[str, list[float]]
    failed_seeds: list[Any]
    seconds: float


def write_result(folder: Path, result: Mapping[str, Any]) -> None:
    """Keep a trial's result: the one sign that it is complete."""
    write_sealed(folder / RESULT, result)


def read_result(folder: Path) -> dict[str, Any] | None:
    """The result in a trial's folder; None when there is none that can be believed."""
    try:
        return _result(folder)
    except DamagedError:
        return None


def check_result(folder: Path, owner: Owner) -> dict[str, Any]:
    """The result of a trial, with its prompt where it trained one.

    Raises ``DamagedError`` when either is missing, is not what was written, or is of another trial.
    """
    result = _result(folder)
    owner.refuse_another(folder / RESULT, result)
    if result["epochs"] and "task" in result:
        found = prompt_checksum(folder)
        if result.get(PROMPT, found) != found:
            raise DamagedError(folder / FACTS, f"is not of the prompt that {RESULT} was written with")
    return result


def take_result(folder: Path, owner: Owner, notes: list[str]) -> dict[str, Any] | None:
    """A trial's result, if it is there; one that cannot be believed is taken out of the way, with a note."""
    if not (folder / RESULT).exists():
        return None
    try:
        return check_result(folder, owner)
    except DamagedError as error:
        set_aside(folder / RESULT)
        notes.append(f"trained again, for {error}")
        return None


def set_aside(file: Path) -> None:
    """Take a damaged file out of the way, under another name; an earlier one is replaced."""
    if file.exists():
        file.replace(file.with_name(f"{file.name}{ASIDE}"))


def _result(folder: Path) -> dict[str, Any]:
    result = read_sealed(folder / RESULT)
    try:
        _Result.model_validate(result)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise DamagedError(folder / RESULT, f"is no result ({place}: {first['msg']})") from error
    return result


@dataclass(frozen=True)
class Owner:
    """Whose a result or a checkpoint is. task: '' for the whole of a joint trial."""

    study: str
    number: str
    params: Mapping[str, Any]
    seeds: Sequence[int]
    task: str = ""

    def __str__(self) -> str:
        return json.dumps({**asdict(self), "params": dict(self.params)}, sort_keys=True)

    def refuse_another(self, file: Path, result: Mapping[str, Any]) -> None:
        """Raise ``DamagedError`` for a whole result that is of another trial."""
        wanted = {"study": self.study, "number": self.number, "seeds": list(self.seeds)}
        wanted |= {"task": self.task} if self.task else {}
        for name, value in wanted.items():
            if result.get(name) != value:
                raise DamagedError(file, f"is of {name} {shown(result.get(name))}, not {shown(value)}")
        # Once through JSON, as those of the result went.
        params, found = json.loads(json.dumps(dict(self.params))), result["params"]
        for name in sorted({*params, *found}):
            if params.get(name) != found.get(name):
                told = f"is of {name} = {shown(found.get(name))}, not {shown(params.get(name))}"
                raise DamagedError(file, told)
