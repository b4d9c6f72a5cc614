"""A client of HTTP/1.1 that sees every answer or its absence; for counting, not for timing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from bench.load.wrk import Job

BODYLESS = (204, 304)


class Connection:
    """One connection at a time to one server, opened when it is needed."""

    def __init__(self, job: Job) -> None:
        place = urlsplit(job.url)
        self._host, self._port = place.hostname or "", place.port or 80
        fields = {"Host": place.netloc, **job.headers}
        head = [f"{job.method} {place.path} HTTP/1.1", *(f"{n}: {v}" for n, v in fields.items())]
        if job.method != "GET":
            head.append("Content-Length: 0")
        self._request = "\r\n".join([*head, "", ""]).encode()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self) -> int:
        """Ask once; return the answer's status once it is there to its end.

        Raises `OSError` or `EOFError` if it does not come; close the connection then.
        """
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(self._request)
        await writer.drain()
        status, fields = parse_head(await reader.readuntil(b"\r\n\r\n"))
        await _skip_body(reader, status, fields)
        if fields.get("connection", "").lower() == "close":
            self.close()
        return status

    def close(self) -> None:
        """Drop the connection; the next question opens another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Return the status and the fields, by their names in lower case."""
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return int(first.split(" ", 2)[1]), {n.strip().lower(): v.strip() for n, _, v in pairs}


async def _skip_body(reader: asyncio.StreamReader, status: int, fields: dict[str, str]) -> None:
    if status in BODYLESS:
        return
    if fields.get("transfer-encoding", "").lower() == "chunked":
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            await reader.readexactly(size + 2)
        await reader.readuntil(b"\r\n")
    elif "content-length" in fields:
        await reader.readexactly(int(fields["content-length"]))
    else:
        await reader.read()
