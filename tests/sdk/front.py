"""A front before a gateway that fails as a client is to bear, each path in its own manner."""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

HOP_BY_HOP = {"connection", "host", "keep-alive", "transfer-encoding", "content-length"}


class _Front(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, gateway: str) -> None:
        super().__init__(("127.0.0.1", 0), _Failing)
        self.gateway = gateway
        self.seen: set[tuple[str, str]] = set()
        self.ended = threading.Event()


class _Failing(BaseHTTPRequestHandler):
    """Passes on what lies below `/fault/`, and fails at that.

    `lost`, `broken`: the gateway has answered, and nothing or half of it arrives; `busy`: 503 before
    the gateway was asked. Each but once for an idempotency key. `silent`, `stuck`: no answer comes, or
    no more than its first half. `moved`: a redirect.
    """

    protocol_version = "HTTP/1.1"
    server: _Front

    def do_GET(self) -> None:
        self._fail()

    def do_POST(self) -> None:
        self._fail()

    def _fail(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        _, fault, path = self.path.split("/", 2)
        attempt = (fault, self.headers.get("idempotency-key") or "")
        is_second = attempt in self.server.seen and attempt[1] != ""
        self.server.seen.add(attempt)
        if fault == "silent":
            self.server.ended.wait(PATIENCE_SECONDS)
            self._hang_up()
        elif fault == "moved":
            self._answer(307, [("Location", f"{self.server.gateway}/{path}")], b"")
        elif fault == "busy" and not is_second:
            self._answer(503, [("Retry-After", "0")], b"busy")
        else:
            self._pass_on(path, body, "" if is_second else fault)

    def _pass_on(self, path: str, body: bytes, fault: str) -> None:
        there = urlsplit(self.server.gateway)
        asking = http.client.HTTPConnection(there.hostname or "", there.port, PATIENCE_SECONDS)
        kept = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
        asking.request(self.command, f"/{path}", body or None, kept)
        answer = asking.getresponse()
        content = answer.read()
        fields = [(k, v) for k, v in answer.getheaders() if k.lower() not in HOP_BY_HOP]
        asking.close()
        if fault == "lost":
            self._hang_up()
        elif fault in {"broken", "stuck"}:
            self._answer(answer.status, fields, content, sent=len(content) // 2)
            if fault == "stuck":
                self.server.ended.wait(PATIENCE_SECONDS)
            self._hang_up()
        else:
            self._answer(answer.status, fields, content)

    def _answer(
        self, status: int, fields: list[tuple[str, str]], content: bytes, sent: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:sent])
        self.wfile.flush()

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):  # The client did.
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def failing_front(gateway: str) -> Iterator[str]:
    """Run one before a gateway; yield its URL."""
    server = _Front(gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()
