"""A user id without a name, as `docker run --user 12345` gives one, has no home folder either.

Libraries that only look for a folder below it end in a RuntimeError while they are imported.
"""

import os
import pwd
import stat
from pathlib import Path


def give_a_home() -> None:
    """Set ``HOME`` and ``LOGNAME`` where nothing says what they are: the home is kept between commands."""
    uid = os.getuid()
    try:
        pwd.getpwuid(uid)
    except KeyError:
        os.environ.setdefault("LOGNAME", str(uid))
        if "HOME" not in os.environ:
            os.environ["HOME"] = str(_home(uid))


def _home(uid: int) -> Path:
    import tempfile

    home = Path(tempfile.gettempdir(), f"nemesis-home-{uid}")
    home.mkdir(mode=0o700, exist_ok=True)
    about = home.lstat()
    # Anybody may have made it before us.
    if stat.S_ISDIR(about.st_mode) and about.st_uid == uid and not about.st_mode & 0o022:
        return home
    return Path(tempfile.mkdtemp(prefix="nemesis-home-"))
