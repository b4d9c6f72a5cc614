"""The tutorial, typed as it stands into a shell in an empty folder, answers what it says there.

Only its ports are others, since a machine that runs tests may have theirs in use.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from contextlib import ExitStack
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
PORTS = ("3000", "8080", "8787")
LIMIT_SECONDS = 100
MARK = "----- end of box -----"
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_it_works_as_it_is_typed(tmp_path: Path) -> None:
    blocks = BLOCK.findall(_elsewhere((ROOT / "docs" / "tutorial.md").read_text()))
    boxes = [text for kind, text in blocks if kind == "sh"]
    boxes[0] = _first(boxes[0], _libraries(tmp_path / "libraries"))
    told = iter(_typed(boxes, tmp_path))
    said = ""
    for kind, text in blocks:
        if kind == "sh":
            said = next(told)
        else:
            assert re.fullmatch(_pattern(text), said.strip("\n"), re.DOTALL), (text, said)


def _elsewhere(text: str) -> str:
    """Return a text with other ports, which were free a moment ago."""
    with ExitStack() as held:
        for port in PORTS:
            free = held.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
            text = text.replace(f":{port}", f":{free}").replace(f'", {port})', f'", {free})')
            options = {"8080": "--port", "8787": "--service-port"}
            if port in options:
                text = text.replace("-gateway serve ", f"-gateway serve {options[port]} {free} ")
    return text


def _first(box: str, libraries: Path) -> str:
    """Return the box that installs, with a folder of libraries to be found by pip.

    So no index is asked; the gateway itself comes from its wheel.
    """
    made = "python3 -m venv .venv\n"
    assert made in box
    where = f"echo {libraries} > $(echo .venv/lib/python*/site-packages)/libraries.pth\n"
    return box.replace(made, made.replace("python3", sys.executable) + where)


def _libraries(folder: Path) -> Path:
    """Return a folder of all that is installed here, but for the gateway."""
    folder.mkdir()
    for each in Path(sysconfig.get_path("purelib")).iterdir():
        if each.suffix != ".pth" and not each.name.startswith("dream_gateway"):
            (folder / each.name).symlink_to(each)
    return folder


def _typed(boxes: list[str], folder: Path) -> list[str]:
    """Return what a shell writes for each box."""
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


def _pattern(text: str) -> str:
    return ".*".join(re.escape(part) for part in text.strip("\n").split("…"))
