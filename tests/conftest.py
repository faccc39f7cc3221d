"""Real models and real images, small: shared by all tests."""

import os

# Before torch, Ray or MLflow are imported by any test.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
# Seconds at the end of each of the runs that tests start; those that look at reports ask for them.
os.environ.setdefault("NEMESIS_SWEEP_REPORT", "0")

import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# How long anything takes is no test: on a busy machine any of it may be slow.
hypothesis.settings.register_profile(
    "timeless", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("timeless")

# Their asserts say what was found, as those of tests do.
pytest.register_assert_rewrite("tests.cli.real_sweep", "tests.sweep.in_this_process")

# A shell starts background jobs deaf to Ctrl-C, nohup its own to a terminal that closes. Tests that send
# these signals want them heard, by what they start too.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, usual)


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the user's feature cache out of the tests; the session shares one, fixtures of modules too."""
    folder = tmp_path_factory.getbasetemp() / "features"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEMESIS_SWEEP_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session", name="tiny_backbone")
def _tiny_backbone():
    from nemesis_sweep.testing.tiny_backbones import tiny_backbone

    return tiny_backbone()


@pytest.fixture(scope="session", name="colours")
def _colours():
    from nemesis_sweep.testing.colours import colours

    return colours()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave tests marked `gpu` out where torch finds none; `-m gpu` alone then ends with "no tests ran"."""
    for_gpus = [item for item in items if item.get_closest_marker("gpu")]
    if not for_gpus:
        return
    import torch

    if not torch.cuda.is_available():
        config.hook.pytest_deselected(items=for_gpus)
        items[:] = [item for item in items if item not in set(for_gpus)]
