"""An image that buildah builds of `deploy/Dockerfile`, on a stand-in for what `FROM` names.

No registry of images is asked. The stand-in is a Debian of the same release with Debian's own
Python, which is older than the official image's: the Dockerfile and the gateway are tried, and
nothing of the base.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.deploy.image import stages
from tests.image.engine import Buildah, Container

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
IMAGE = "localhost/dream-gateway:latest"
USER = 10001
KEPT = ROOT / "build" / "image"
"""Where the stand-in's tree is kept for the next time; delete it to have newer packages."""

PACKAGES = "python3,python3-venv,ca-certificates"
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip where it cannot be tried."""
    missing = [name for name in ("buildah", "mmdebstrap", "unshare") if shutil.which(name) is None]
    why = f"{missing[0]} is not installed" if missing else "changing the root needs root"
    if not missing and os.geteuid() == 0:
        return
    for item in items:
        if Path(__file__).parent in Path(item.path).parents:
            item.add_marker(pytest.mark.skip(reason=why))


def _tree() -> Path:
    """Return the packed tree of the stand-in."""
    kept = KEPT / "base.tar"
    if not kept.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(".new")
        without = [f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT]
        command = ["mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", *without]
        command += ["--format=tar", "bookworm", str(fresh)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"Debian's packages cannot be had: {done.stderr[-300:]}")
        fresh.rename(kept)
    return kept


@pytest.fixture(scope="session")
def engine() -> Iterator[Buildah]:
    """A buildah with the image, which leaves nothing behind."""
    tree = _tree()
    with tempfile.TemporaryDirectory(prefix="image-", ignore_cleanup_errors=True) as folder:
        buildah = Buildah(Path(folder))
        for name in {stage.last("FROM").split()[0] for stage in stages(DOCKERFILE)}:
            buildah.stand_in(tree, f"docker.io/library/{name}")
        buildah.build(DOCKERFILE, ROOT, IMAGE)
        yield buildah
        buildah("rm", "--all")


@pytest.fixture
def container(engine: Buildah) -> Iterator[Container]:
    """A container of its own; its volume is new, and belongs to the user, as an engine has it."""
    (mounted_at,) = engine.configuration(IMAGE)["Volumes"]
    name = engine("from", "--pull-never", "--isolation", "chroot", IMAGE)
    with tempfile.TemporaryDirectory(prefix="volume-") as volume:
        os.chown(volume, USER, USER)
        yield Container(engine, name, Path(volume), mounted_at)
    engine("rm", name)
