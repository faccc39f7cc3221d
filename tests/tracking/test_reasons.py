"""What is told of the errors of MLflow's client, as they really read."""

from __future__ import annotations

import pytest
from mlflow.exceptions import MlflowException

from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.reasons import reason
from tests.tracking.answering import Answer, closes, hangs, serving, status
from tests.tracking.test_server import free_port


def told(uri: str) -> str:
    with pytest.raises(MlflowException) as raised:
        connect(uri).get_experiment_by_name("x")
    return reason(raised.value)


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (status(500), "too many 500 error responses"),
        (closes, "Remote end closed connection without response"),
        (hangs, "Read timed out."),
    ],
)
def test_the_innermost_cause_is_told(answer: Answer, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with serving(answer) as uri:
        assert told(uri) == line


def test_a_port_without_a_server_and_a_name_without_a_machine() -> None:
    refused = told(f"http://me:hunter2@127.0.0.1:{free_port()}")
    assert refused == "Failed to establish a new connection: [Errno 111] Connection refused"
    assert told("http://me:hunter2@no-such-host.invalid").startswith(
        "Failed to resolve 'no-such-host.invalid'"
    )


@pytest.mark.parametrize(
    ("variable", "scheme"), [("http_proxy", "http"), ("HTTPS_PROXY", "https"), ("ALL_PROXY", "http")]
)
def test_a_proxy_that_refuses_is_told_with_its_variable(
    variable: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not as the server, which was never asked."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    proxy = f"http://me:hunter2@127.0.0.1:{free_port()}"
    monkeypatch.setenv(variable, proxy)
    refused = (
        f"the proxy of ${variable}, {proxy.replace('hunter2', '***')}: Failed to establish a new connection"
    )
    assert told(f"{scheme}://mlflow.invalid").startswith(refused)


def test_other_errors_are_told_in_a_line_without_passwords() -> None:
    assert reason(ValueError("two\n  lines of http://me:hunter2@h")) == "two lines of http://me:***@h"
    assert reason(KeyError()) == "KeyError"
