"""What is released: what is in it, that it installs, runs and is typed, and that versions agree."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.examples.conftest import ROOT, fresh

if TYPE_CHECKING:
    from tests.examples.conftest import Environment

pytestmark = pytest.mark.long

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
VERSION: str = PROJECT["project"]["version"]
PACKAGES = [
    Path(each).name for each in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
]
CONSUMER = Path(__file__).parent / "consumer.py"
MISTAKES = {
    "api.usage.track(user=1)": "call-arg",
    "api.usage.track(user_id=1)": "arg-type",
    'api.usage.check(user_id="u")["used"]': "typeddict-item",
    "api.keys.get()": "call-arg",
}
AGENT = """
import http.server, threading
from dream_gateway.client import DreamAPI, DreamError, Retries

class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.headers["user-agent"])
        self.send_error(404)

server = http.server.HTTPServer(("127.0.0.1", 0), Site)
threading.Thread(target=server.serve_forever, daemon=True).start()
try:
    DreamAPI(base_url=f"http://127.0.0.1:{server.server_port}", secret_key="sk_test_x").tiers.list()
except DreamError:
    pass
"""


def names(release: Path, pattern: str) -> list[str]:
    """Return the files in one of the artefacts, below its own folder."""
    (artefact,) = release.glob(pattern)
    if artefact.suffix == ".whl":
        return zipfile.ZipFile(artefact).namelist()
    with tarfile.open(artefact) as archive:
        return [name.partition("/")[2] for name in archive.getnames()]


def test_digests(release: Path) -> None:
    lines = (release / "SHA256SUMS").read_text().splitlines()
    told = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    others = {each.name for each in release.iterdir()} - {"SHA256SUMS"}
    assert set(told) == others
    for name, digest in told.items():
        assert sha256((release / name).read_bytes()).hexdigest() == digest
    assert {"sbom.json", f"dream_gateway-{VERSION}.tar.gz"} < others


def test_the_wheel_is_typed_and_has_nothing_else(release: Path) -> None:
    found = names(release, "*.whl")
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(found)
    top = {name.partition("/")[0] for name in found}
    assert top == {*PACKAGES, f"dream_gateway-{VERSION}.dist-info"}
    assert not [name for name in found if name.endswith((".db", ".pyc", ".log"))]


def test_the_sdist_has_what_its_tests_need(release: Path) -> None:
    found = set(names(release, "*.tar.gz"))
    listed = [
        "README.md",
        "LICENSE",
        "SECURITY.md",
        "CHANGELOG.md",
        "pyproject.toml",
        "tests/conftest.py",
    ]
    assert set(listed) <= found
    assert {"scripts/check", "codegen/routes.py", "examples/python/run"} <= found


def test_the_bill_of_materials_names_what_is_required(release: Path) -> None:
    bill = json.loads((release / "sbom.json").read_text())
    root = bill["metadata"]["component"]
    assert (bill["bomFormat"], root["name"], root["version"]) == (
        "CycloneDX",
        "dream-gateway",
        VERSION,
    )
    found = {each["name"].lower() for each in bill["components"]}
    required = [
        re.split(r"[^\w.-]", each, maxsplit=1)[0] for each in PROJECT["project"]["dependencies"]
    ]
    assert set(required) <= found
    assert {each["name"] for each in bill["components"] if "purl" not in each} <= {"dream-gateway"}


def test_versions_agree(installed: Environment, tmp_path: Path) -> None:
    told = installed.run("dream-gateway", "--version", cwd=tmp_path)
    assert told.split()[-1] == VERSION
    assert installed.run("python", "-c", AGENT, cwd=tmp_path).strip() == (
        f"dream-gateway-python/{VERSION}"
    )


def test_the_npm_package_is_of_the_same_version(release: Path) -> None:
    (packed,) = release.glob("*.tgz")
    with tarfile.open(packed) as archive:
        told = archive.extractfile("package/package.json")
        assert told is not None
        assert json.load(told)["version"] == VERSION


def test_it_runs(installed: Environment, tmp_path: Path) -> None:
    where = "import dream_gateway; print(dream_gateway.__file__)"
    assert str(installed.home) in installed.run("python", "-c", where, cwd=tmp_path)
    ports = ("--port", "0", "--service-port", "0")  # Others may start theirs at the same moment.
    out = installed.run("dream-gateway", "demo", "--once", *ports, cwd=tmp_path)
    assert "429" in out


def checked(installed: Environment, file: Path) -> Any:
    """Have mypy look at somebody's file, by what is installed in an environment."""
    python = ["--python-executable", installed.program("python"), "--config-file", "/dev/null"]
    python += ["--cache-dir", str(installed.home / "mypy")]
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *python, file.name],
        cwd=file.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_consumers_types_hold(installed: Environment, tmp_path: Path) -> None:
    file = tmp_path / "consumer.py"
    file.write_text(CONSUMER.read_text())
    done = checked(installed, file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_consumers_mistakes_are_found(installed: Environment, tmp_path: Path) -> None:
    file = tmp_path / "mistaken.py"
    head = "from dream_gateway.client import DreamAPI\n\n\ndef call(api: DreamAPI) -> None:\n"
    file.write_text(head + "".join(f"    {line}\n" for line in MISTAKES))
    found = re.findall(
        r"^mistaken.py:\d+: error: .*\[([\w-]+)\]$", checked(installed, file).stdout, re.MULTILINE
    )
    assert found == list(MISTAKES.values())


def test_five_lines_reach_a_metered_endpoint(release: Path, tmp_path: Path) -> None:
    """As the example's own script has it, but for where the libraries come from."""
    made = fresh(tmp_path / "venv")
    (wheel,) = release.glob("*.whl")
    done = subprocess.run(
        [ROOT / "examples/python/run", wheel],
        env={"PATH": "/usr/bin:/bin", "PYTHON": made.program("python"), "PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "1 of 100 used\n"), done.stderr
