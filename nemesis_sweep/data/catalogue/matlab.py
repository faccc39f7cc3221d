"""MATLAB files of labels, as two of the datasets are annotated: plain arrays, never objects."""

import zlib
from pathlib import Path
from typing import Any

from nemesis_sweep.data.lists import MAX_BYTES, check_file
from nemesis_sweep.messages.errors import Problem, UserError


def read_matlab(path: Path, name: str) -> Any:
    """The variable ``name``, its axes of length one dropped.

    Raises ``UserError`` when the file cannot be read or holds no such variable.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    # A file that is cut off fails in one of many ways, depending on where.
    broken = (OSError, ValueError, TypeError, IndexError, NotImplementedError, MatReadError, zlib.error)
    check_file(path, "MATLAB file", MAX_BYTES)
    try:
        variables = loadmat(path, squeeze_me=True)
    except broken as error:
        raise UserError(Problem(f"cannot read this MATLAB file: {error}", file=str(path))) from error
    if name not in variables:
        raise UserError(Problem(f"no variable {name!r} in this MATLAB file", file=str(path)))
    return variables[name]
