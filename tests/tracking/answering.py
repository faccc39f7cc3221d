"""Servers on loopback that are not MLflow, or not well."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


def status(code: int, body: bytes = b"{}", kind: str = "application/json") -> Answer:
    """Answer every request with this."""

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


def html(request: http.server.BaseHTTPRequestHandler) -> None:
    """A page for people, as a gateway, or another program on that port, shows it."""
    status(200, b"<html><body>Welcome</body></html>", "text/html")(request)


def healthy(then: Answer) -> Answer:
    """Answer as MLflow does when it is asked whether it is well, and otherwise like `then`."""

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        (status(200, b"OK", "text/plain") if request.path == "/health" else then)(request)

    return answer


def hangs(request: http.server.BaseHTTPRequestHandler) -> None:
    """Take the request and never answer."""
    time.sleep(60)


def closes(request: http.server.BaseHTTPRequestHandler) -> None:
    """Close the connection without a word."""
    request.connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """The address of a server that answers like this."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer(self)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.socket.close()
