"""The JavaScript SDK: built by tsc, tried on live gateways, packed, and installed by somebody else."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from tests.sdk import npm
from tests.sdk.endpoints import UNITS, own_tests_pass, running, use_up

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif(npm.missing() is not None, reason=f"{npm.missing()} is not installed"),
]

STRICT = ("--strict", "--noEmit", "--target", "es2022")
DOM = "es2022,dom,dom.iterable,dom.asynciterable"
BUNDLER = ("--module", "esnext", "--moduleResolution", "bundler")
CONSUMERS = ("consumer.ts", "consumer.mts")  # CommonJS and ESM

COMPILATIONS = {
    "nodenext": ("--module", "nodenext", "--lib", DOM, "--types", "node", *CONSUMERS),
    "bundler": (*BUNDLER, "--lib", DOM, "--types", "node", *CONSUMERS),
    "workers": (
        *BUNDLER,
        "--lib",
        "es2022",
        "--types",
        "@cloudflare/workers-types",
        "elsewhere.ts",
    ),
}


def test_its_own_tests_pass_on_live_gateways(package: Path, node: str) -> None:
    own_tests_pass(package, node)


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


@pytest.mark.parametrize("manner", COMPILATIONS)
def test_its_types_hold_for_whoever_installs_it(consumer: Path, manner: str) -> None:
    npm.run(consumer, "node_modules/.bin/tsc", *STRICT, *COMPILATIONS[manner])


def test_it_is_loaded_as_commonjs_and_as_esm(
    consumer: Path, served: dict[str, str], node: str
) -> None:
    told = npm.run(consumer, node, "loaded.cjs", CUSTOMER="common", **served)
    assert json.loads(told) == {"webcrypto": True, "usageCounts": [1, 2]}


def test_each_call_has_a_key_of_its_own_without_webcrypto(
    consumer: Path, served: dict[str, str], node: str
) -> None:
    without = (node, "--no-experimental-global-webcrypto", "loaded.cjs")
    told = npm.run(consumer, *without, CUSTOMER="uncommon", **served)
    # With the key of the call before, the second would be a repeat, and not be counted.
    assert json.loads(told) == {"webcrypto": False, "usageCounts": [1, 2]}


def test_five_lines_charge_a_user(consumer: Path, served: dict[str, str], node: str) -> None:
    told = [npm.run(consumer, node, "track.mjs", **served) for _ in range(2)]
    counts = [re.fullmatch(rf"ada has used (\d) of {UNITS}\n", each) for each in told]
    assert [int(each[1]) for each in counts if each] == [1, 2]


def test_five_lines_are_a_metered_endpoint(
    consumer: Path, served: dict[str, str], node: str
) -> None:
    command = [node, "metered-endpoint.mjs"]
    with running(command, consumer, r"^(\d+)\n", {"PORT": "0", **served}) as port:
        use_up(f"http://127.0.0.1:{port}/", served, "grace")
