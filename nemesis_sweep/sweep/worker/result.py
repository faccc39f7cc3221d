"""What a complete trial leaves: `result.json`, which carries a checksum and is checked when it is read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from nemesis_sweep.files.sealed import DamagedError, read_sealed, write_sealed
from nemesis_sweep.messages.faults import shown
from nemesis_sweep.prompts.artifact import FILES as PROMPT
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.result import Result
from nemesis_sweep.training.references.saved import FILES as REFERENCE

RESULT = "result.json"
CHECKPOINT = "checkpoint"
"""The folder in a trial's that holds the state of its training."""
WORDS = "nearest_words.json"
"""The words nearest to the vectors of a prompt, beside it; a prompt without such vectors has none."""
LEFT = {files.name: files for files in (PROMPT, REFERENCE)}
"""The files that a trial leaves beside its result, by what they are."""
ASIDE = ".damaged"
"""What the name of a file ends with that was found damaged: nothing is thrown away."""


def write_result(folder: Path, result: Result) -> None:
    """Keep a trial's result: the one sign that it is complete."""
    write_sealed(folder / RESULT, result.to_json())


def read_result(folder: Path) -> Result | None:
    """The result in a trial's folder; None when there is none that can be believed."""
    try:
        return _result(folder)
    except DamagedError:
        return None


def check_result(folder: Path, owner: Owner) -> Result:
    """The result of a trial, with the prompt, or what else it learnt, that has to be beside it.

    Raises ``DamagedError`` when either is missing, is not what was written, or is of another trial.
    """
    result = _result(folder)
    owner.refuse_another(folder / RESULT, result)
    if result.left:
        name, wanted = result.left
        found = LEFT[name].checksum(folder)
        if (wanted or found) != found:
            file = folder / LEFT[name].facts
            raise DamagedError(file, f"is not of the {name} that {RESULT} was written with")
    return result


def take_result(folder: Path, owner: Owner) -> tuple[Result | None, str]:
    """A trial's result, if it is there; one that cannot be believed is taken out of the way, and why."""
    if not (folder / RESULT).exists():
        return None, ""
    try:
        return check_result(folder, owner), ""
    except DamagedError as error:
        set_aside(folder / RESULT)
        return None, f"trained again, for {error}"


def set_aside(file: Path) -> None:
    """Take a damaged file out of the way, under another name; an earlier one is replaced."""
    if file.exists():
        file.replace(file.with_name(f"{file.name}{ASIDE}"))


def _result(folder: Path) -> Result:
    record = read_sealed(folder / RESULT)
    try:
        return Result.from_json(record)
    except ValueError as error:
        raise DamagedError(folder / RESULT, f"is no result ({error})") from error


@dataclass(frozen=True)
class Owner:
    """Whose a result or a checkpoint is. task: '' for the whole of a joint trial."""

    study: str
    number: str
    params: Values
    seeds: Sequence[int]
    task: str = ""

    def __str__(self) -> str:
        return json.dumps({**asdict(self), "params": dict(self.params)}, sort_keys=True)

    def refuse_another(self, file: Path, result: Result) -> None:
        """Raise ``DamagedError`` for a whole result that is of another trial."""
        wanted = {"study": self.study, "number": self.number, "seeds": list(self.seeds)}
        wanted |= {"task": self.task} if self.task else {}
        for name, value in wanted.items():
            if (found := getattr(result, name)) != value:
                raise DamagedError(file, f"is of {name} {shown(found)}, not {shown(value)}")
        # Once through JSON, as those of the result went.
        params, own = json.loads(json.dumps(dict(self.params))), result.params
        for name in sorted({*params, *own}):
            if params.get(name) != own.get(name):
                told = f"is of {name} = {shown(own.get(name))}, not {shown(params.get(name))}"
                raise DamagedError(file, told)
