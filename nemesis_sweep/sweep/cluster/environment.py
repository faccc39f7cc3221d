"""What Ray and Tune have to find in the environment before they are imported."""

import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from nemesis_sweep.sweep.internals.ray_names import read_the_token_anew

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "1",
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # Our own progress is shown instead of Tune's, and Ctrl-C is the runner's business.
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    # Optuna's storage is the truth; Tune's own snapshots would only cost time.
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",
}

OWN = {
    # Off, or a driver that `uv run` started would pack its folder and start workers by `uv run` in the copy.
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    # Ray's word for "this machine alone": every one of its servers listens on loopback only.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "token",
    # Seconds, 60 by default, for which all others wait for a GCS that is gone. Ours does not come back.
    "RAY_gcs_rpc_server_reconnect_timeout_s": "25",
}

TOKEN, TOKEN_FILE = "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"
MARK = "NEMESIS_SWEEP_CLUSTER"


def quiet_tune() -> None:
    """Let Tune neither print nor write what we show and keep ourselves; call it before Tune is imported."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)


@contextmanager
def closed_to_others(mark: str) -> Iterator[None]:
    """The environment of a cluster of our own, which nobody else reaches; enter it before Ray is imported.

    It listens on loopback only and wants a token that is drawn anew and stands in no file: Ray's processes
    inherit it. mark: what :data:`MARK` is to have, so that all of these processes are known by it.
    """
    new = {**OWN, TOKEN: secrets.token_hex(32), MARK: mark}
    before = {name: os.environ.get(name) for name in (*new, TOKEN_FILE)}
    os.environ.update(new)
    os.environ.pop(TOKEN_FILE, None)
    try:
        read_the_token_anew()
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
