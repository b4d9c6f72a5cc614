"""People who sign in: forms as a browser fetches and sends them, from a process of their own."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import msgspec
import uvloop

from bench.load.client import parse_head

PASSWORD = "correct horse battery"  # noqa: S105 - of users that live for a run
GIVE_WAY = 10
"""The niceness of the process: the one that measures beside it goes first."""


class Form(NamedTuple):
    """A filled-in form: where it goes, the browser's cookie, and what is in it."""

    url: str
    cookie: str
    body: str


class Crowd:
    """A process whose forms are on their way."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def statuses(self) -> list[int]:
        """Return every answer's status, once all are there."""
        out, _ = await self._process.communicate()
        return msgspec.json.decode(out, type=list[int])


async def fetch(url: str, email: str) -> Form:
    """Fetch a page's form, and fill it in."""
    head, page = await _ask(url, "GET", {}, "")
    cookie = head["set-cookie"].partition(";")[0]
    found = re.search(r'name="token" value="([^"]+)"', page)
    token = found[1] if found else ""
    values = {"token": token, "email": email, "password": PASSWORD, "new-password": PASSWORD}
    return Form(url, cookie, urlencode(values))


async def send_all(forms: list[Form]) -> list[int]:
    """Send forms, each on a connection of its own, all at once; return the statuses."""
    return list(await asyncio.gather(*(_send(form) for form in forms)))


async def start_crowd(forms: list[Form]) -> Crowd:
    """Have a process send the forms; it is ready to when this returns."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.load.crowd",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(msgspec.json.encode(forms) + b"\n")
    await process.stdout.readline()
    return Crowd(process)


async def _send(form: Form) -> int:
    fields = {
        "Cookie": form.cookie,
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(form.body)),
    }
    head, _ = await _ask(form.url, "POST", fields, form.body)
    return int(head["status"])


async def _ask(
    url: str, method: str, fields: dict[str, str], body: str
) -> tuple[dict[str, str], str]:
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    every = {"Host": place.netloc, "Connection": "close", **fields}
    lines = [f"{method} {place.path} HTTP/1.1", *(f"{n}: {v}" for n, v in every.items())]
    writer.write("\r\n".join([*lines, "", body]).encode())
    status, found = parse_head(await reader.readuntil(b"\r\n\r\n"))
    page = (await reader.read()).decode()
    writer.close()
    return {**found, "status": str(status)}, page


def main() -> None:
    """Send what comes on the standard input, and print the statuses."""
    os.nice(GIVE_WAY)
    forms = msgspec.json.decode(sys.stdin.buffer.readline(), type=list[Form])
    print(flush=True)  # noqa: T201 - ready
    statuses = uvloop.run(send_all(forms))
    sys.stdout.buffer.write(msgspec.json.encode(statuses))


if __name__ == "__main__":
    main()
