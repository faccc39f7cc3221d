"""The modules of a sweep in its home: workers take them from there, and its prompts can be used later."""

from pathlib import Path

from nemesis_sweep.data.atomic import replacing
from nemesis_sweep.spec.outside.beside import BESIDE, KEPT
from nemesis_sweep.spec.outside.kept import same_code
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.sweep.home.folder import Home


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
