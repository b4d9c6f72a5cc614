"""A client of HTTP/1.1 that sees every answer or its absence; for counting, not for timing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

BODYLESS = (204, 304)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; the fields by their names in lower case."""

    status: int
    fields: Mapping[str, str]
    body: bytes


def request(method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """Return the bytes of one request, to be sent to the server of `url`."""
    place = urlsplit(url)
    fields = {"Host": place.netloc, **headers}
    if method != "GET":
        fields["Content-Length"] = str(len(body))
    target = f"{place.path}?{place.query}" if place.query else place.path
    head = [f"{method} {target} HTTP/1.1", *(f"{n}: {v}" for n, v in fields.items()), "", ""]
    return "\r\n".join(head).encode() + body


class Connection:
    """One connection at a time to the server of `url`, opened when it is needed."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._host, self._port = place.hostname or "", place.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, sent: bytes) -> Answer:
        """Send one request; return its answer once it is there to its end.

        Raises `OSError` or `EOFError` if it does not come; close the connection then.
        """
        reader, writer = await self._open()
        writer.write(sent)
        await writer.drain()
        status, fields = parse_head(await reader.readuntil(b"\r\n\r\n"))
        body = await _body(reader, status, fields)
        if fields.get("connection", "").lower() == "close":
            self.close()
        return Answer(status, fields, body)

    def close(self) -> None:
        """Drop the connection; the next question opens another."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return the connection, or another if it is known that the server has closed it."""
        if self._streams is not None:
            reader = self._streams[0]
            if reader.at_eof() or reader.exception() is not None:
                self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        return self._streams


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Return the status and the fields, by their names in lower case."""
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return int(first.split(" ", 2)[1]), {n.strip().lower(): v.strip() for n, _, v in pairs}


async def _body(reader: asyncio.StreamReader, status: int, fields: Mapping[str, str]) -> bytes:
    if status in BODYLESS:
        return b""
    if fields.get("transfer-encoding", "").lower() == "chunked":
        chunks = []
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            chunks.append((await reader.readexactly(size + 2))[:-2])
        await reader.readuntil(b"\r\n")
        return b"".join(chunks)
    if "content-length" in fields:
        return await reader.readexactly(int(fields["content-length"]))
    return await reader.read()
