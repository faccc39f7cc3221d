"""A real MLflow server behind certificates, proxies and passwords, reached as MLflow's own client does."""

from __future__ import annotations

import base64
import datetime
import http.client
import http.server
import ipaddress
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.tracking.sender import Sender
from nemesis_sweep.tracking.server import UiServer
from nemesis_sweep.tracking.store import prepare
from tests.tracking.answering import Answer, serving, status
from tests.tracking.test_server import free_port

pytestmark = pytest.mark.slow

KNOWN = ("MLFLOW_TRACKING_", "http_proxy", "https_proxy", "no_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture(scope="module")
def server(empty_home: Path) -> Iterator[UiServer]:
    with UiServer(empty_home / "mlflow.db", port=free_port()) as running:
        yield running


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.upper().startswith(tuple(map(str.upper, KNOWN))):
            monkeypatch.delenv(name)


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that only its owner vouches for, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / f"{name}.pem", folder / f"{name}.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def with_tls(target: int, context: ssl.SSLContext) -> int:
    """The port of a listener that takes TLS off, for as long as the tests run."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for each in (source, sink):
            each.close()

    def take() -> None:
        while True:
            accepted, _ = listener.accept()
            try:
                client = context.wrap_socket(accepted, server_side=True)
            except OSError:
                continue
            to = socket.create_connection(("127.0.0.1", target))
            threading.Thread(target=pump, args=(client, to), daemon=True).start()
            threading.Thread(target=pump, args=(to, client), daemon=True).start()

    threading.Thread(target=take, daemon=True).start()
    return int(listener.getsockname()[1])


def gateway(port: int, allows: Callable[[http.server.BaseHTTPRequestHandler], bool]) -> Answer:
    """Hands on what it allows, and answers 401 to anything else."""

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        if not allows(request):
            status(401, b'{"error_code": "UNAUTHENTICATED", "message": "who are you"}')(request)
            return
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
            headers = {"Content-Type": request.headers.get("Content-Type") or "application/json"}
            connection.request(request.command, request.path, request.body, headers)  # type: ignore[attr-defined]
            told = connection.getresponse()
            status(told.status, told.read())(request)

    return answer


def test_certificates_of_ones_own(server: UiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, key = certificate(tmp_path, "server")
    client, client_key = certificate(tmp_path, "client")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ours, key)
    uri = f"https://127.0.0.1:{with_tls(server.port, context)}"
    with pytest.raises(UserError, match=r"cannot be used \(.*certificate verify failed"):
        prepare(tmp_path / "home", "tls", "tls", uri)
    for name, value in (
        ("MLFLOW_TRACKING_INSECURE_TLS", "true"),
        ("MLFLOW_TRACKING_SERVER_CERT_PATH", str(ours)),
        ("REQUESTS_CA_BUNDLE", str(ours)),
    ):
        with monkeypatch.context() as within:
            within.setenv(name, value)
            assert prepare(tmp_path / name, "tls", "tls", uri).uri == uri
    demanding = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    demanding.load_cert_chain(ours, key)
    demanding.load_verify_locations(client)
    demanding.verify_mode = ssl.CERT_REQUIRED
    uri = f"https://127.0.0.1:{with_tls(server.port, demanding)}"
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(ours))
    with pytest.raises(UserError, match="cannot be used"):
        prepare(tmp_path / "none", "tls", "tls", uri)
    both = tmp_path / "both.pem"
    both.write_bytes(client.read_bytes() + client_key.read_bytes())
    monkeypatch.setenv("MLFLOW_TRACKING_CLIENT_CERT_PATH", str(both))
    assert prepare(tmp_path / "client", "tls", "tls", uri).uri == uri


def test_a_proxy_is_passed_by_for_networks_too(
    server: UiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(UserError, match="cannot be used"):
        prepare(tmp_path / "home", "proxy", "proxy", server.url)
    monkeypatch.setenv("no_proxy", "127.0.0.0/8")
    assert prepare(tmp_path / "home", "proxy", "proxy", server.url).uri == server.url


@pytest.mark.parametrize("how", ["variables", "address", "token"])
def test_users_and_tokens(
    server: UiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    basic = "Basic " + base64.b64encode(b"me:hunter2").decode()
    wanted = "Bearer hunter2" if how == "token" else basic
    allow = gateway(server.port, lambda request: request.headers.get("Authorization") == wanted)
    with serving(allow) as uri:
        with pytest.raises(UserError, match=r"cannot be used \(.*who are you"):
            prepare(tmp_path / "home", "auth", "auth", uri)
        if how == "variables":
            monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
            monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hunter2")
        elif how == "token":
            monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "hunter2")
        else:
            uri = uri.replace("//", "//me:hunter2@")
        assert prepare(tmp_path / "home", "auth", "auth", uri).uri == uri
    assert "hunter2" not in (tmp_path / "home" / "tracking.json").read_text()


def test_databricks_without_credentials_is_one_error(tmp_path: Path) -> None:
    """MLflow's own warning would come before it."""
    code = (
        "import sys; from pathlib import Path; from nemesis_sweep.tracking.store import prepare\n"
        "try: prepare(Path(sys.argv[1]), 'far', 'far', 'databricks')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    kept = {key: value for key, value in os.environ.items() if not key.startswith("DATABRICKS")}
    answer = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "home")],
        capture_output=True,
        text=True,
        env={**kept, "HOME": str(tmp_path)},
        check=True,
    )
    assert answer.stderr == ""
    assert answer.stdout.startswith("UserError tracking.mlflow: MLflow at databricks cannot be used")
    assert "allowed: DATABRICKS_HOST and DATABRICKS_TOKEN" in answer.stdout


def test_databricks_is_asked_and_not_taken_for_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody answers here, so what is seen is that MLflow tries: the workspace that is configured."""
    monkeypatch.setenv("DATABRICKS_HOST", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("DATABRICKS_TOKEN", "hunter2")
    for uri in ("databricks", "databricks://none"):
        sender = Sender(tmp_path, partial(prepare, tmp_path, "far", "far", uri), print, uri)
        sender.start()
        began = time.monotonic()
        with pytest.raises(UserError, match=rf"MLflow at {uri} (cannot be used|did not answer)"):
            sender.ready(5)
        sender.finish(0.1)
        assert time.monotonic() - began < 8
