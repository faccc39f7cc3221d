"""What Ray and Tune have to find in the environment before they are imported."""

import logging
import os
import secrets

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
}

TOKEN = "RAY_AUTH_TOKEN"


def quiet_tune() -> None:
    """Let Tune neither print nor write what we show and keep ourselves; call it before Tune is imported."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)


def close_to_others() -> None:
    """Settings of a cluster of our own: nobody else reaches it; call it before Ray is imported.

    It listens on loopback only and wants a token that is drawn for this process and stands in no file: Ray
    reads it once, and its processes inherit it.
    """
    os.environ.update(OWN)
    os.environ.pop("RAY_AUTH_TOKEN_PATH", None)
    os.environ[TOKEN] = _token


_token = secrets.token_hex(32)
