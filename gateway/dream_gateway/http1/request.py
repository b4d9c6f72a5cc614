"""A request's head, and the rules it must keep to so that nobody can read it in two ways."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from dream_gateway.errors import BadRequestError, UnknownCodingError
from dream_gateway.http.inbound import Inbound

if TYPE_CHECKING:
    from dream_gateway.http.asgi import Headers

_HOST = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:[]%!$&'()*+,;="
_SINGLE = (b"host", b"transfer-encoding", b"content-length")
_SCHEMES = (b"http://", b"https://")


class Request(Inbound):
    """A request whose head is in, from a client connection of ours.

    `length` is the body's in bytes: 0 if there is none, `None` if it comes in chunks.
    """

    __slots__ = ("expects", "keep_alive", "length", "upgrade")

    def __init__(
        self,
        method: str,
        target: bytes,
        headers: Headers,
        version: str,
        *,
        client: str | None = None,
        scheme: str = "http",
    ) -> None:
        """Read a head. Raises `BadRequestError` or `UnknownCodingError` for what breaks the rules."""
        self.client = client
        self.scheme = scheme
        if version not in {"1.1", "1.0"}:
            raise BadRequestError("The gateway speaks HTTP/1.1 and HTTP/1.0.")
        self.method = method
        self.headers = headers
        self.version = version
        self.keep_alive = True
        self.upgrade = b""
        fields = self.fields = dict(headers)
        host = fields.get(b"host")
        if len(fields) != len(headers):
            _check_repeated(headers)
        if target[:1] != b"/":
            target = self._absolute(target)
        elif host is None:
            if version == "1.1":
                raise BadRequestError("The request has no Host field.")
        elif host.translate(None, _HOST):
            raise BadRequestError("The Host field is not a host.")
        if b"#" in target:
            raise BadRequestError("The path has a fragment.")
        self.raw_path, _, self.query = target.partition(b"?")
        path = self.raw_path.decode("latin-1")
        self.path = unquote(path) if "%" in path else path
        self.length: int | None = 0
        if b"content-length" in fields:
            self.length = int(fields[b"content-length"])
        elif b"transfer-encoding" in fields:
            self._check_coding(fields[b"transfer-encoding"])
            self.length = None
        expect = fields.get(b"expect")
        self.expects = expect is not None and expect.lower() == b"100-continue"

    def _absolute(self, target: bytes) -> bytes:
        """Take the absolute form: its authority is the host, whatever `Host` says (RFC 9112 3.2.2)."""
        for scheme in _SCHEMES:
            if target[: len(scheme)].lower() == scheme:
                authority, slash, rest = target[len(scheme) :].partition(b"/")
                authority, question, query = authority.partition(b"?")
                if not authority or authority.translate(None, _HOST):
                    break
                self.headers[:] = [field for field in self.headers if field[0] != b"host"]
                self.headers.insert(0, (b"host", authority))
                self.fields[b"host"] = authority
                return b"/" + (question + query + slash + rest if question else rest)
        raise BadRequestError("The request target is neither a path nor an absolute URL.")

    def _check_coding(self, coding: bytes) -> None:
        if self.version != "1.1":
            raise BadRequestError("Transfer codings came with HTTP/1.1.")
        if coding.lower() != b"chunked":
            raise UnknownCodingError


def unread() -> Request:
    """Return what stands for a request that could not be read."""
    request = Request("GET", b"/", [(b"host", b"unread")], "1.1")
    request.keep_alive = False
    return request


def _check_repeated(headers: Headers) -> None:
    """Refuse two of a field of which the second would be read by some, and the first by others."""
    names = [name for name, _ in headers]
    for name in _SINGLE:
        if names.count(name) > 1:
            raise BadRequestError(f"The request has two {name.decode().title()} fields.")
