"""Where Ray jobs are sent: the address of a cluster's dashboard, and whether Ray answers there."""

from __future__ import annotations

import http.client
import json
import logging
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.sweep.internals.ray_names import CHATTY_LOGGER

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

SECONDS = 5.0
KEY = "--address"
VARIABLES = ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS")
ALLOWED = "the address of the cluster's dashboard, such as http://HEAD:8265"
REFUSED = (401, 403)
TOKEN_FILE = Path("~/.ray/auth_token")
CHATTY = (
    "ray.dashboard.modules.dashboard_sdk",
    "ray.dashboard.modules.job.sdk",
    CHATTY_LOGGER,
)


@dataclass(frozen=True)
class JobServer:
    """A Ray dashboard that answers, and the headers that show this user's token if it wants one."""

    address: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def find_job_server(given: str | None, environ: Mapping[str, str]) -> JobServer:
    """The job server at ``given``, else at the first of ``VARIABLES`` that is an http address.

    Raises ``UserError`` within seconds when none is named or no Ray answers; Ray's client would wait for
    minutes. A Ray that wants a token is shown the one that Ray itself would use.
    """
    address = _address(given, environ)
    if _takes_us(address, {}):
        return JobServer(address)
    token = _token(environ)
    if not token:
        allowed = f"the head's token in RAY_AUTH_TOKEN, or in {TOKEN_FILE}"
        raise UserError(Problem("the cluster wants a token", KEY, found=address, allowed=allowed))
    headers = {"Authorization": f"Bearer {token}"}
    if not _takes_us(address, headers):
        allowed = f"the head's token in RAY_AUTH_TOKEN, or in {TOKEN_FILE}, not another one"
        raise UserError(Problem("the cluster refuses this user's token", KEY, found=address, allowed=allowed))
    return JobServer(address, headers)


@contextmanager
def talking_to(server: JobServer) -> Iterator[JobSubmissionClient]:
    """Give a client of the job server; what Ray and the network refuse meanwhile becomes a ``UserError``."""
    from ray.exceptions import AuthenticationError
    from requests.exceptions import RequestException

    try:
        yield _client(server)
    except (RequestException, ConnectionError) as error:
        raise _unreachable(server.address, str(error)) from error
    except (RuntimeError, ValueError, AuthenticationError) as error:
        reason = " ".join(str(error).split())
        raise UserError(Problem(f"Ray refuses: {reason[:500]}", KEY, found=server.address)) from error


def _address(given: str | None, environ: Mapping[str, str]) -> str:
    named = [environ.get(name, "") for name in VARIABLES]
    address = given or next((text for text in named if text.startswith(("http://", "https://"))), None)
    if address is None:
        raise UserError(
            Problem("no cluster is named", KEY, allowed=f"{ALLOWED}, here or in {' or '.join(VARIABLES)}")
        )
    if not _is_http(address):
        raise UserError(Problem("not the address of a job server", KEY, found=address, allowed=ALLOWED))
    return address.rstrip("/")


def _is_http(address: str) -> bool:
    try:
        parts = urlsplit(address)
        # Reading the port checks it.
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _takes_us(address: str, headers: Mapping[str, str]) -> bool:
    """Whether Ray answers; false where it wants another token. Raises ``UserError`` where no Ray is."""
    request = urllib.request.Request(f"{address}/api/version", headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            json.load(answer)["ray_version"]
            return True
    except urllib.error.HTTPError as error:
        if error.code in REFUSED:
            return False
        raise _no_ray(address, f"it answers with status {error.code}") from error
    except (OSError, http.client.HTTPException) as error:
        # urllib wraps the reason, which is the readable part.
        raise _unreachable(address, str(getattr(error, "reason", None) or error)) from error
    except (ValueError, LookupError, TypeError) as error:
        raise _no_ray(address, "it does not answer as Ray does") from error


def _token(environ: Mapping[str, str]) -> str:
    """The user's token, where Ray keeps it: two variables, then a file in the home directory."""
    if "RAY_AUTH_TOKEN" in environ:
        return environ["RAY_AUTH_TOKEN"].strip()
    try:
        return (
            Path(environ.get("RAY_AUTH_TOKEN_PATH", TOKEN_FILE))
            .expanduser()
            .read_text(encoding="utf-8")
            .strip()
        )
    except (OSError, ValueError):
        return ""


def _client(server: JobServer) -> JobSubmissionClient:
    from ray.job_submission import JobSubmissionClient

    for logger in CHATTY:
        logging.getLogger(logger).setLevel(logging.WARNING)
    # Ray prefers the environment to its argument, so the environment must say the same.
    name = VARIABLES[0]
    before = os.environ.get(name)
    os.environ[name] = server.address
    try:
        return JobSubmissionClient(server.address, headers=dict(server.headers))
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _unreachable(address: str, reason: str) -> UserError:
    return UserError(Problem(f"no Ray cluster answers ({reason})", KEY, found=address, allowed=ALLOWED))


def _no_ray(address: str, reason: str) -> UserError:
    return UserError(Problem(f"this is no Ray dashboard: {reason}", KEY, found=address, allowed=ALLOWED))
