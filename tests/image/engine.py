"""Buildah: builds images and runs what is in them, without a daemon."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

BUILD_SECONDS = 900.0
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class Buildah:
    """One that keeps its images and containers below a folder, and isolates by changing the root."""

    folder: Path

    def command(self, verb: str, *words: object) -> list[str]:
        """Return the command line of a verb."""
        kept = ("--root", self.folder / "images", "--runroot", self.folder / "run")
        return [str(each) for each in ("buildah", *kept, "--storage-driver", "vfs", verb, *words)]

    def __call__(self, verb: str, *words: object) -> str:
        """Do it to its good end; return what it wrote."""
        done = subprocess.run(
            self.command(verb, *words),
            capture_output=True, text=True, check=False, timeout=BUILD_SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return done.stdout.strip()

    def stand_in(self, tree: Path, name: str) -> None:
        """Make an image of a packed tree that has Debian's Python, called as the official image is."""
        container = self("from", "scratch")
        self("add", "--quiet", container, tree, "/")
        path = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin"
        self("config", "--env", f"PATH={path}", "--cmd", "python", container)
        link = ("ln", "-s", "/usr/bin/python3", "/usr/local/bin/python")
        self("run", "--isolation", "chroot", container, "--", *link)
        self("commit", "--quiet", "--rm", container, name)

    def build(self, dockerfile: Path, context: Path, name: str) -> None:
        """Build an image; pip believes the certificates, and asks the index, that this machine does."""
        settings = self.folder / "pip.conf"
        settings.write_text(f"[global]\ncert = {CERTIFICATES}\n")
        mounts = (f"{CERTIFICATES}:{CERTIFICATES}:ro", f"{settings}:/etc/pip.conf:ro")
        index = os.environ.get("PIP_INDEX_URL")
        self(
            "build", "--pull-never", "--isolation", "chroot", "--format", "docker",
            *(word for mount in mounts for word in ("--volume", mount)),
            *(("--build-arg", f"PIP_INDEX_URL={index}") if index else ()),
            "--ignorefile", context / ".dockerignore", "--file", dockerfile, "--tag", name, context,
        )  # fmt: skip

    def configuration(self, image: str) -> dict[str, Any]:
        """Return what an image says of itself, in Docker's words."""
        told: dict[str, Any] = json.loads(self("inspect", "--type", "image", image))
        found: dict[str, Any] = told["Docker"]["config"]
        return found

    def sizes(self) -> dict[str, str]:
        """Return the sizes of all images by their names."""
        listed = self("images", "--format", "{{.Name}} {{.Size}}")
        return dict(line.split(" ", 1) for line in listed.splitlines())


@dataclass(frozen=True)
class Container:
    """One of an image's, with a folder as the volume that the image asks for."""

    engine: Buildah
    name: str
    volume: Path
    mounted_at: str

    def command(self, *words: str, environ: Mapping[str, str] | None = None) -> list[str]:
        """Return the command line that runs words in it, as the user of the image."""
        given = [w for k, v in (environ or {}).items() for w in ("--env", f"{k}={v}")]
        volume = ("--volume", f"{self.volume}:{self.mounted_at}")
        return self.engine.command(
            "run", "--isolation", "chroot", *volume, *given, self.name, "--", *words
        )

    def run(
        self, *words: str, environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run words in it."""
        command = self.command(*words, environ=environ)
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def oldest_of(user: int, ancestor: int) -> int | None:
    """Return the process nearest to an ancestor that is a user's, `None` if there is none."""
    parents, users = {}, {}
    for path in Path("/proc").glob("[0-9]*/status"):
        try:
            text = path.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found = dict(re.findall(r"^(PPid|Uid):\s+(\d+)", text, re.MULTILINE))
        parents[int(path.parent.name)] = int(found["PPid"])
        users[int(path.parent.name)] = int(found["Uid"])
    level = {ancestor}
    while level:
        theirs = sorted(pid for pid in level if users.get(pid) == user)
        if theirs:
            return theirs[0]
        level = {pid for pid, parent in parents.items() if parent in level}
    return None
