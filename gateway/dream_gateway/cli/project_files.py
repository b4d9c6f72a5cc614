"""A project of somebody's on disk, as `dream-gateway integrate` reads and changes it."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dream_gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dream_gateway.integrate.plan import Change

SKIPPED = {"node_modules", "site-packages", "vendor", "dist", "build", "__pycache__", "venv", "env"}
"""Folders with other people's files, or with what is made of a project's own; hidden ones too."""

SUFFIXES = {
    *(".py", ".js", ".mjs", ".cjs", ".ts", ".mts", ".go", ".mod", ".json", ".toml"),
    *(".yml", ".yaml", ".conf", ".caddyfile", ".txt", ".in"),
}
NAMES = {"Caddyfile", "Pipfile"}
LARGEST = 512 << 10
"""Bytes: what is larger was not written by hand."""

MOST = 5_000
"""Files: in a folder with more, something is wrong, such as a home directory that was named."""


def read_tree(root: Path) -> dict[str, str]:
    """Return the texts of a project's sources and configuration by their relative paths.

    Links are not followed, and what is no regular file is not opened: nothing else is the project's.
    Raises `ConfigurationError` where there are too many.
    """
    tree: dict[str, str] = {}
    for path in _sources(root):
        if len(tree) == MOST:
            raise ConfigurationError(f"{root} has more than {MOST} files: name a project's folder.")
        try:
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST:
                # Line endings stay as they are: they are written back.
                tree[path.relative_to(root).as_posix()] = path.read_bytes().decode()
        except (OSError, UnicodeDecodeError):
            continue
    return tree


def write_change(root: Path, change: Change) -> None:
    """Write one file whole or not at all, with the permissions it had.

    Raises `ConfigurationError` where it is no longer as it was read, would be written outside of
    the folder, or cannot be written.
    """
    path = root / change.path
    try:
        if not _is_own(root, path):
            raise ConfigurationError(
                f"{change.path} is a link, or leads out of the folder, or is no regular file: "
                "it is left as it is."
            )
        before = path.read_bytes().decode() if path.exists() else None
        if before != change.before:
            raise ConfigurationError(f"{change.path} was changed in the meantime.")
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = path.stat().st_mode & 0o777 if before is not None else 0o666 & ~_umask()
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".dream-gateway-")
        with os.fdopen(handle, "wb") as file:
            file.write(change.after.encode())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except OSError as error:
        raise ConfigurationError(f"{change.path} cannot be written: {error.strerror}.") from error


def _is_own(root: Path, path: Path) -> bool:
    """Tell whether a path is a regular file below the folder, or may become one."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return False
    return path.parent.resolve().is_relative_to(root.resolve())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sources(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(d for d in folders if d not in SKIPPED and not d.startswith("."))
        for name in sorted(files):
            if name in NAMES or Path(name).suffix in SUFFIXES:
                yield Path(folder, name)
