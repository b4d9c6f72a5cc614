"""A fresh virtual environment, with wheels in it as pip installs them."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Environment:
    """A virtual environment of its own."""

    home: Path

    def program(self, name: str) -> str:
        """Return the path of one of its programs."""
        return str(self.home / "bin" / name)

    def install(self, project: Path, extra: str = "") -> None:
        """Build a project's wheel with its own build system, and have pip install that.

        Nothing comes from an index: what it requires must be there, and pip checks that it is.
        """
        wheels = self.home / "wheels" / project.name
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
        _succeed(build, project)
        (wheel,) = wheels.glob("*.whl")
        self.put(wheel, extra)

    def put(self, artefact: Path, extra: str = "") -> None:
        """Have pip install a wheel or an sdist, likewise."""
        pip = [sys.executable, "-m", "pip", "--python", self.program("python"), "install"]
        options = ["--no-index", "--disable-pip-version-check", "--quiet"]
        options += ["--no-build-isolation"]
        _succeed([*pip, *options, f"{artefact}{extra}"], artefact.parent)

    def run(self, program: str, *arguments: str, cwd: Path) -> str:
        """Run one of its programs to the end, which must be a good one; return what it wrote."""
        return _succeed([self.program(program), *arguments], cwd)


def _succeed(command: list[str], cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def fresh(home: Path) -> Environment:
    """Return a new environment with nothing of the gateway in it.

    The libraries that it requires are those of the environment that the tests run in, whose folder
    is put after its own; what that has installed as editable, the gateway's working tree, is not
    seen from there, since a folder's `.pth` files count only where Python itself looks for packages.
    """
    made = Environment(home)
    venv.create(made.home, symlinks=True)
    (packages,) = made.home.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return made


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the gateway's wheel."""
    made = fresh(tmp_path_factory.mktemp("fresh") / "venv")
    made.install(ROOT)
    (packages,) = made.home.glob("lib/python*/site-packages")
    where = made.run("python", "-c", "import dream_gateway as d; print(d.__file__)", cwd=made.home)
    assert Path(where.strip()).is_relative_to(packages)
    return made
