"""What pages tell people to type, typed into a shell, with an installation of its own and no index."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 240
MADE = "python3 -m venv .venv\n"
MARK = "----- end of box -----"


def installing(box: str, libraries: Path) -> str:
    """Return a box that installs, with a folder of libraries to be found by pip.

    So no index is asked; the gateway itself comes from its wheel.
    """
    assert MADE in box
    where = f"echo {libraries} > $(echo .venv/lib/python*/site-packages)/libraries.pth\n"
    return box.replace(MADE, MADE.replace("python3", sys.executable) + where)


def libraries(folder: Path) -> Path:
    """Return a folder of all that is installed here, but for the gateway."""
    folder.mkdir()
    for each in Path(sysconfig.get_path("purelib")).iterdir():
        if each.suffix != ".pth" and not each.name.startswith("dream_gateway"):
            (folder / each.name).symlink_to(each)
    return folder


def typed(boxes: Sequence[str], folder: Path) -> list[str]:
    """Return what one shell writes for each box; whatever it leaves running is ended."""
    wheels = folder / "wheels"
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    bash = shutil.which("bash")
    assert bash is not None
    script = "\n".join(f"{box}\necho '{MARK}'" for box in boxes)
    environment = {
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_NO_INDEX": "1",
    }
    written = folder / "written"
    with written.open("w") as output:
        shell = subprocess.Popen(
            [bash, "-e", "-c", script],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            shell.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.fail(f"after {LIMIT_SECONDS} s the shell had written:\n{written.read_text()}")
        finally:
            _end(shell.pid)
    told = written.read_text()
    *answers, rest = told.split(f"{MARK}\n")
    assert len(answers) == len(boxes), told
    assert not rest.strip()
    return answers


def _end(session: int) -> None:
    """End whatever is left of a session."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                os.kill(int(folder.name), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            continue
