"""Workers do not look for modules in the folder that the driver stands in."""

import subprocess
import sys
from pathlib import Path

from nemesis_sweep.sweep.cluster.search_path import workers_path

PACKAGE = Path(__file__).parents[3]


def test_folders_that_were_named_stay_and_the_current_one_goes(tmp_path):
    assert workers_path(f"/abs::.:src:./:{PACKAGE}", tmp_path) == f"/abs:{tmp_path}/src:{PACKAGE}"
    assert workers_path("", tmp_path) == ""


def test_a_package_that_is_found_nowhere_else_is_found(tmp_path):
    """`python -m nemesis_sweep` beside it, where it is not installed."""
    lines = (
        f"import sys; sys.path.insert(0, {str(PACKAGE)!r})",
        "import nemesis_sweep; from nemesis_sweep.sweep.cluster.search_path import workers_path",
        "from importlib.machinery import PathFinder; sys.meta_path[:] = [PathFinder]",
        f"sys.path[:] = [p for p in sys.path if 'site-packages' not in p or p == {str(PACKAGE)!r}]",
        "from pathlib import Path",
        f"print(workers_path('', Path({str(PACKAGE)!r})))",
    )
    line = [sys.executable, "-c", "\n".join(lines)]
    answer = subprocess.run(line, capture_output=True, text=True, check=False, cwd=tmp_path, env={})
    assert answer.stdout.strip() == str(PACKAGE), answer.stderr
