"""The image is built and run: its version, its user, a metered request, the health check, the drain."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.image.conftest import IMAGE, USER
from tests.image.engine import Buildah, Container, oldest_of
from tests.servers.ports import free_port
from tests.waiting import PATIENCE_SECONDS, status_of, until

from dream_gateway.encryption_keys import mint_key
from dream_gateway.version import version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

pytestmark = pytest.mark.timeout(1200)  # The first one waits for the image.

LIMIT = 3
SLOW = "/slow"
PASSING = ("/proc", "/sys", "/dev", "/tmp", "/var/tmp", "/run")  # noqa: S108 - where anybody may write
READ_ONLY = """\
set -e
mount --bind {root} {root}
mount -o remount,ro,bind {root}
mount --bind {volume} {root}{at}
mount --rbind /dev {root}/dev
mount -t tmpfs -o ro tmpfs {root}/dev/shm
mount -t proc proc {root}/proc
cd {root}
exec chroot --userspec={user} --groups={group} . "$@"
"""
"""Runs words on a root that cannot be written, for which buildah has no option."""


@dataclass
class Upstream:
    """An API that answers; for `SLOW` only when it may."""

    port: int = 0
    asked: threading.Event = field(default_factory=threading.Event)
    may_answer: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A running one."""
    made = Upstream()

    class Answering(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == SLOW:
                made.asked.set()
                made.may_answer.wait(PATIENCE_SECONDS)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    made.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    made.may_answer.set()
    server.shutdown()
    server.server_close()


@dataclass
class Served:
    """A gateway that runs in a container."""

    process: subprocess.Popen[bytes]
    environ: dict[str, str]

    def url(self, plane: str) -> str:
        """Return the URL of `PORT` or `SERVICE_PORT`."""
        return f"http://127.0.0.1:{self.environ[f'DREAM_GATEWAY_{plane}']}"

    @property
    def supervisor(self) -> int:
        """The process that an engine would send its signals to."""
        found = oldest_of(USER, self.process.pid)
        assert found is not None
        return found


def is_ready(served: Served) -> bool:
    assert served.process.poll() is None
    return status_of(f"{served.url('SERVICE_PORT')}/ready") == 200


def is_over(served: Served) -> bool:
    """Kill what is left of it, one process at a time; tell whether nothing was."""
    left = oldest_of(USER, served.process.pid)
    if left is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(left, signal.SIGKILL)
    return left is None


@contextlib.contextmanager
def serving(
    start: Callable[[dict[str, str]], Sequence[str]], upstream: Upstream, **more: str
) -> Iterator[Served]:
    """Run what `start` makes of an environment, until it is ready; kill what is left at the end."""
    environ = {
        "DREAM_GATEWAY_HOST": "127.0.0.1",
        "DREAM_GATEWAY_SERVICE_HOST": "127.0.0.1",
        "DREAM_GATEWAY_PORT": str(free_port()),
        "DREAM_GATEWAY_SERVICE_PORT": str(free_port()),
        "DREAM_GATEWAY_UPSTREAM": f"http://127.0.0.1:{upstream.port}",
        "DREAM_GATEWAY_WORKERS": "2",
        **more,
    }
    served = Served(subprocess.Popen(start(environ)), environ)
    try:
        until(lambda: is_ready(served), "ready")
        yield served
    finally:
        until(lambda: is_over(served), "over")
        served.process.wait(PATIENCE_SECONDS)


def customers_key(run: Callable[..., subprocess.CompletedProcess[str]]) -> dict[str, str]:
    """Make a platform, a customer and a key by the image's commands; return the key as a field."""

    def made(*words: str) -> dict[str, Any]:
        done = run("dream-gateway", *words, "--json")
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    project = made("platform", "create", "--name", "acme", "--tier", f"free={LIMIT}/month")
    where = ("--project", project["projectId"])
    made("customer", "create", *where, "--id", "ada", "--plan", "free")
    return {"Authorization": f"Bearer {made('key', 'create', *where, '--customer', 'ada')['key']}"}


def entry(engine: Buildah) -> list[str]:
    """Return the words that an engine runs."""
    said = engine.configuration(IMAGE)
    return [*said["Entrypoint"], *said["Cmd"]]


def test_it_is_this_version_and_runs_as_its_user(container: Container) -> None:
    done = container.run("dream-gateway", "--version")
    assert (done.returncode, version() in done.stdout) == (0, True), done.stderr
    assert container.run("id", "-u").stdout.strip() == str(USER)


def test_it_says_what_an_engine_has_to_know(engine: Buildah) -> None:
    said = engine.configuration(IMAGE)
    assert said["User"] == f"{USER}:{USER}"
    assert set(said["ExposedPorts"]) == {"8080/tcp", "8787/tcp"}
    assert said["StopSignal"] == "SIGTERM"
    assert said["WorkingDir"] in said["Volumes"]
    assert said["Healthcheck"]["Test"][0] == "CMD"
    print(*(f"{name}: {size}" for name, size in engine.sizes().items()), sep="\n")  # noqa: T201 - for whoever runs it


def test_its_user_can_change_nothing_but_the_volume_nor_install(container: Container) -> None:
    passing = " -o ".join(f"-path {path}" for path in PASSING)
    theirs = f"-user {USER} -o -group {USER} -o -perm -o+w"
    command = f"find / ( {passing} ) -prune -o ! -type l ( {theirs} ) -print"
    found = container.run(*command.split())
    assert {p for p in found.stdout.split() if not p.startswith(container.mounted_at)} == set()
    for module in ("pip", "setuptools"):
        assert container.run("python", "-c", f"import {module}").returncode != 0


def test_it_serves_counts_and_drains(container: Container, upstream: Upstream) -> None:
    key = customers_key(container.run)
    words = entry(container.engine)
    health = container.engine.configuration(IMAGE)["Healthcheck"]["Test"][1:]
    with serving(lambda given: container.command(*words, environ=given), upstream) as served:
        edge = served.url("PORT")
        assert httpx.get(f"{served.url('SERVICE_PORT')}/health").json() == {"status": "ok"}
        # No proxy is asked, whatever the environment says.
        beside = {**served.environ, "HTTP_PROXY": "http://127.0.0.1:9"}
        assert container.run(*health, environ=beside).returncode == 0
        answers = [httpx.get(edge, headers=key).status_code for _ in range(LIMIT - 1)]
        slow: list[int] = []
        asking = threading.Thread(
            target=lambda: slow.append(httpx.get(edge + SLOW, headers=key, timeout=120).status_code)
        )
        asking.start()
        assert upstream.asked.wait(PATIENCE_SECONDS)
        answers.append(httpx.get(edge, headers=key).status_code)
        assert answers == [200] * (LIMIT - 1) + [429]
        os.kill(served.supervisor, signal.SIGTERM)
        until(lambda: not is_ready(served), "draining")
        upstream.may_answer.set()
        asking.join(PATIENCE_SECONDS)
        assert slow == [200]
        assert served.process.wait(PATIENCE_SECONDS) == 0
        assert container.run(*health, environ=served.environ).returncode != 0
    names = {path.name: path for path in container.volume.iterdir()}
    assert {"dream.db", "journals"} <= set(names)
    assert {path.stat().st_uid for path in container.volume.rglob("*")} == {USER}


def test_it_runs_on_a_root_that_cannot_be_written(container: Container, upstream: Upstream) -> None:
    root = container.engine("mount", container.name)
    image = container.engine.configuration(IMAGE)
    script = READ_ONLY.format(
        root=root, volume=container.volume, at=container.mounted_at, user=image["User"], group=USER
    )

    def start(environ: dict[str, str], words: Sequence[str] = entry(container.engine)) -> list[str]:
        given = [*image["Env"], *(f"{name}={value}" for name, value in environ.items())]
        apart = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]
        return [*apart, "env", "-i", "-C", container.mounted_at, *given, *words]

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(start({}, words), capture_output=True, text=True, check=False)

    written = run("touch", "/tmp/a", "/opt/a")  # noqa: S108 - not to be written is what is asked
    assert written.stderr.count("Read-only file system") == 2, written.stderr
    key = customers_key(run)
    table = container.volume / "gateway.toml"
    table.write_text('[plugins.prometheus]\naccess = "open"\n[plugins.local]\n')
    configured = f"{container.mounted_at}/{table.name}"
    more = {"DREAM_GATEWAY_CONFIG": configured, "DREAM_GATEWAY_ENCRYPTION_KEYS": mint_key()}
    with serving(start, upstream, **more) as served:
        answers = [httpx.get(served.url("PORT"), headers=key).status_code for _ in range(LIMIT + 1)]
        assert answers == [200] * LIMIT + [429]
        metrics = httpx.get(f"{served.url('SERVICE_PORT')}/metrics")
        assert "dream_gateway_workers" in metrics.text
        os.kill(served.supervisor, signal.SIGTERM)
        assert served.process.wait(PATIENCE_SECONDS) == 0
