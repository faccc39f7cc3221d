"""The modules of a sweep in its home: workers take them from there, and its prompts can be used later."""

import shutil
from pathlib import Path

from nemesis_sweep.files.atomic import replacing
from nemesis_sweep.spec.outside.beside import BESIDE, KEPT
from nemesis_sweep.spec.outside.kept import same_code
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.worker.result import set_aside
from nemesis_sweep.tracking.location import artifacts


def keep_modules(sweep: Sweep, home: Home) -> list[Path]:
    """Write the modules that a sweep needs, and import them from there; gives their files.

    What is there and does the same stays.
    """
    files = []
    for name, content in sweep.modules.files.items():
        file = home.path / KEPT / name
        files.append(file)
        if file.exists() and same_code(name, file.read_bytes(), content):
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as temporary:
            temporary.write_bytes(content)
    BESIDE.look_in(home.path)
    return files


def restore_modules(home: Home) -> list[str]:
    """Bring modules back that are gone or differ from their newest copy in MLflow's artifacts; their names.

    For a home that cannot be read as it is: what is replaced is kept beside.
    """
    newest: dict[str, Path] = {}
    for folder in artifacts(home.path).glob(f"*/artifacts/{KEPT}"):
        for copy in folder.rglob("*"):
            name = copy.relative_to(folder).as_posix()
            before = newest.get(name, copy)
            if copy.is_file() and copy.stat().st_mtime >= before.stat().st_mtime:
                newest[name] = copy
    replaced = []
    for name, copy in sorted(newest.items()):
        file = home.path / KEPT / name
        if file.exists() and same_code(name, file.read_bytes(), copy.read_bytes()):
            continue
        if file.exists():
            set_aside(file)
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as temporary:
            shutil.copyfile(copy, temporary)
        replaced.append(name)
    return replaced
