"""Metered endpoints that tests start, and customers who ask them until their units are used up."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
from tests.sdk import npm
from tests.servers.gateway import PROGRAM
from tests.waiting import PATIENCE_SECONDS, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

UNITS = 4
MOST_BYTES = 1_000_000

SILENT = {"NO_COLOR": "1", "NEXT_TELEMETRY_DISABLED": "1", "DENO_NO_UPDATE_CHECK": "1"}
"""What has servers tell nobody of themselves, and write no colours."""


@contextmanager
def running(
    command: Sequence[str], folder: Path, pattern: str, environ: dict[str, str]
) -> Iterator[str]:
    """Run a server in a process group of its own; yield what `pattern`'s group is in its output."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **SILENT, **environ},
            stdout=log, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            yield _told(process, log.fileno(), pattern)
        finally:
            _end(process)


def _told(process: subprocess.Popen[str], log: int, pattern: str) -> str:
    def written() -> str:
        return os.pread(log, MOST_BYTES, 0).decode(errors="replace")

    until(lambda: process.poll() is not None or re.search(pattern, written()), "a port told")
    found = re.search(pattern, written())
    assert found, written()
    return found[1]


def _end(process: subprocess.Popen[str]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            process.wait()
        return


def own_tests_pass(package: Path, node: str) -> None:
    """Run the package's own tests, which start gateways, by a Node."""
    command = json.loads((package / "package.json").read_text())["scripts"]["test"].split()
    told = npm.run(package, node, *command[1:], TESTED_GATEWAY=json.dumps(PROGRAM))
    assert re.search(r"^# fail 0$", told, re.MULTILINE), told
    passed = re.search(r"^# pass (\d+)$", told, re.MULTILINE)
    assert passed, told
    assert int(passed[1]) > 40


def new_key(served: dict[str, str], customer: str) -> str:
    """Return the key of a new customer on the free tier."""
    with httpx.Client(
        base_url=served["GATEWAY_URL"], timeout=PATIENCE_SECONDS, trust_env=False,
        headers={"authorization": f"Bearer {served['GATEWAY_SECRET_KEY']}"},
    ) as api:  # fmt: skip
        about = {"email": f"{customer}@example.com", "externalId": customer}
        found = api.post("/api/customers", json=about).json()["customer"]["id"]
        key: str = api.post(f"/api/customers/{found}/keys", json={}).json()["key"]
        return key


def ask(url: str, key: str | None, **more: Any) -> httpx.Response:
    """Ask an endpoint, with a customer's key."""
    headers = {} if key is None else {"x-api-key": key}
    method = "POST" if "json" in more else "GET"
    return httpx.request(
        method, url, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False, **more
    )


def use_up(url: str, served: dict[str, str], customer: str) -> None:
    """Ask as a new customer until the units are used up, and once more; and without a key."""
    key = new_key(served, customer)
    answers = [ask(url, key) for _ in range(UNITS + 1)]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [200] * UNITS + [429], answers[-1].text
    assert [answer.json()["hello"] for answer in answers[:UNITS]] == [customer] * UNITS
    left = [re.findall(r"r=(\d+)", answer.headers["ratelimit"]) for answer in answers]
    assert left == [[str(n)] for n in [*reversed(range(UNITS)), 0]]
    is_refused(answers[-1], "quota_exceeded", usageCount=UNITS, limit=UNITS, policy="quota")
    assert int(answers[-1].headers["retry-after"]) > 0
    nobody = ask(url, None)
    is_refused(nobody, "missing_credential")
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, 'Bearer realm="api"')


def is_refused(answer: httpx.Response, code: str, **members: object) -> None:
    """Assert that an answer is a problem (RFC 9457), of a code, with members."""
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["code"], body["status"]) == (code, answer.status_code)
    assert body["type"] == f"urn:dream-gateway:error:{code}"
    assert members.items() <= body.items()
