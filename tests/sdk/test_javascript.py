"""The JavaScript SDK: built by tsc, tried on live gateways, packed, and installed by somebody else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.sdk import npm
from tests.servers.gateway import PROGRAM, installation
from tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif(npm.missing() is not None, reason=f"{npm.missing()} is not installed"),
]

EXAMPLES = npm.ROOT / "examples" / "javascript"
STRICT = (
    "--strict",
    "--noEmit",
    "--target",
    "es2022",
    "--lib",
    "es2022,dom,dom.iterable,dom.asynciterable",
)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's source with what it is built by, built."""
    made = npm.copy(tmp_path_factory.mktemp("package"))
    npm.install(made)
    npm.run(made, "npm", "run", "build")
    return made


@pytest.fixture(scope="module")
def packed(package: Path) -> Path:
    """The file that would be published."""
    (told,) = json.loads(npm.run(package, "npm", "pack", "--json", "--ignore-scripts"))
    return package / str(told["filename"])


@pytest.fixture(scope="module")
def consumer(package: Path, packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of somebody who installed that file, and frameworks to use it with."""
    folder = tmp_path_factory.mktemp("consumer")
    (folder / "package.json").write_text('{"private": true}')
    wanted = json.loads((package / "package.json").read_text())["devDependencies"]
    names = ("express", "@types/express", "@types/node", "hono", "typescript")
    npm.install(folder, packed, *(f"{name}@{wanted[name]}" for name in names))
    for source in [*EXAMPLES.glob("*.mjs"), *(package / "test" / "consumer").iterdir()]:
        (folder / source.name).write_text(source.read_text())
    return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A gateway whose free tier has four units, as variables of the environment."""
    folder = tmp_path_factory.mktemp("served")
    place = installation(folder)
    made = place.create_platform("free=4/month")
    with place.serving() as gateway:
        yield {"DREAM_GATEWAY_URL": gateway.service, "DREAM_SECRET_KEY": made["secretKey"]}


def test_its_own_tests_pass_on_live_gateways(package: Path) -> None:
    told = npm.run(package, "npm", "test", "--silent", TESTED_GATEWAY=json.dumps(PROGRAM))
    assert re.search(r"^# fail 0$", told, re.MULTILINE), told
    passed = re.search(r"^# pass (\d+)$", told, re.MULTILINE)
    assert passed, told
    assert int(passed[1]) > 40


def test_it_is_packed_with_what_is_needed_and_nothing_else(packed: Path) -> None:
    names = npm.run(packed.parent, "tar", "-tzf", packed.name).split()
    tops = {name.split("/")[1] for name in names}
    assert tops == {"dist", "LICENSE", "README.md", "package.json", "routes.json"}
    manifest = json.loads((packed.parent / "package.json").read_text())
    assert "dependencies" not in manifest
    parts = [end for entry in manifest["exports"].values() for end in _ends(entry)]
    assert {f"package/{part.removeprefix('./')}" for part in parts} <= set(names)


def _ends(entry: object) -> Iterator[str]:
    if isinstance(entry, dict):
        for each in entry.values():
            yield from _ends(each)
    else:
        yield str(entry)


def test_nothing_of_node_is_imported(package: Path) -> None:
    sources = list((package / "src").glob("*.ts"))
    assert len(sources) > 10
    for source in sources:
        imported = re.findall(
            r"""(?:from|import|require)\s*\(?\s*["']([^"']+)""", source.read_text()
        )
        assert [name for name in imported if not name.startswith("./")] == []


def test_it_has_the_version_of_the_gateway(package: Path) -> None:
    text = (npm.ROOT / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.+)"$', text, re.MULTILINE)
    assert version
    assert json.loads((package / "package.json").read_text())["version"] == version[1]


@pytest.mark.parametrize("module", ["nodenext", "bundler"])
def test_its_types_hold_for_whoever_installs_it(consumer: Path, module: str) -> None:
    manner = ("--module", "nodenext") if module == "nodenext" else (
        "--module", "esnext", "--moduleResolution", "bundler"
    )  # fmt: skip
    (consumer / "consumer.mts").write_text((consumer / "consumer.ts").read_text())
    files = ("consumer.ts", "consumer.mts")  # CommonJS and ESM
    npm.run(consumer, "node_modules/.bin/tsc", *STRICT, *manner, "--types", "node", *files)


def test_it_is_loaded_as_commonjs_and_as_esm(consumer: Path, served: dict[str, str]) -> None:
    assert npm.run(consumer, "node", "loaded.cjs", **served).strip() == "1"


def test_it_does_without_webcrypto(consumer: Path, served: dict[str, str]) -> None:
    without = npm.run(
        consumer, "node", "--no-experimental-global-webcrypto", "loaded.cjs", **served
    )
    assert int(without) >= 1


def test_five_lines_charge_a_user(consumer: Path, served: dict[str, str]) -> None:
    told = [npm.run(consumer, "node", "track.mjs", **served) for _ in range(2)]
    assert told == ["ada has used 1 of 4\n", "ada has used 2 of 4\n"]


@pytest.mark.parametrize(
    "command", [("bun", "run"), ("deno", "run", "--allow-all")], ids=lambda c: c[0]
)
def test_five_lines_charge_a_user_elsewhere(
    consumer: Path, served: dict[str, str], command: tuple[str, ...]
) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    told = npm.run(consumer, *command, "track.mjs", **served)
    assert re.fullmatch(r"ada has used \d of 4\n", told)


def test_five_lines_are_a_metered_endpoint(consumer: Path, served: dict[str, str]) -> None:
    with (
        httpx.Client(
            base_url=served["DREAM_GATEWAY_URL"], timeout=PATIENCE_SECONDS,
            headers={"authorization": f"Bearer {served['DREAM_SECRET_KEY']}"},
        ) as api,
        subprocess.Popen(
            [npm.program("node"), "metered-endpoint.mjs"],
            cwd=consumer, stdout=subprocess.PIPE, text=True, env={"PORT": "0", **served},
        ) as endpoint,
    ):  # fmt: skip
        try:
            assert endpoint.stdout is not None
            url = f"http://127.0.0.1:{int(endpoint.stdout.readline())}/"
            customer = {"email": "grace@example.com", "externalId": "grace"}
            found = api.post("/api/customers", json=customer).json()["customer"]["id"]
            key = api.post(f"/api/customers/{found}/keys", json={}).json()["key"]
            asked = [
                httpx.get(url, headers={"x-api-key": key}, timeout=PATIENCE_SECONDS)
                for _ in range(5)
            ]
            assert [answer.status_code for answer in asked] == [200, 200, 200, 200, 429]
            assert asked[0].json() == {"hello": "grace"}
            assert asked[4].json()["code"] == "quota_exceeded"
            assert httpx.get(url, timeout=PATIENCE_SECONDS).status_code == 401
        finally:
            endpoint.terminate()
