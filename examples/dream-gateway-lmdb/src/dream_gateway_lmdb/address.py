"""Reads `lmdb:///file.mdb?map_mib=1024`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from dream_gateway.errors import ConfigurationError

MEBIBYTE = 1 << 20
DEFAULT_MAP_MIB = 1024


@dataclass(frozen=True, slots=True)
class Address:
    """A file, and the bytes it may grow to."""

    path: Path
    map_size: int


def parse_address(url: str) -> Address:
    """Return what a URL names; raises `ConfigurationError` for one that is wrong."""
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True))
    except ValueError as error:
        raise ConfigurationError("The LMDB URL cannot be read.") from error
    name = unquote(parts.path[1:])
    if parts.netloc or parts.fragment or not name.strip("/") or "\x00" in name:
        raise ConfigurationError("An LMDB URL is lmdb:///file.mdb or lmdb:////absolute/file.mdb.")
    mebibytes = options.pop("map_mib", str(DEFAULT_MAP_MIB))
    if options or not (mebibytes.isdecimal() and int(mebibytes) > 0):
        raise ConfigurationError(
            "The only option of an LMDB URL is map_mib: the MiB the file may grow to, from 1."
        )
    return Address(Path(name).resolve(), int(mebibytes) * MEBIBYTE)
