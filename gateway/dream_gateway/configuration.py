"""Where settings are read from, first to last: flags, environment, configuration file, defaults.

The environment's variables are `DREAM_GATEWAY_NAME`; the file is TOML. No file is read that was not
named, `.env` included.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, get_type_hints
from urllib.parse import urlsplit

import msgspec

from dream_gateway.encryption_keys import parse_key
from dream_gateway.errors import ConfigurationError
from dream_gateway.origins import origin_of
from dream_gateway.settings import FILE_ONLY, STORES, RouteSettings, Settings
from dream_gateway.settings_table import type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ENVIRONMENT_PREFIX = "DREAM_GATEWAY_"
FILE_VARIABLE = "DREAM_GATEWAY_CONFIG"
"""The variable that names the configuration file when no flag does."""

SHORTEST_TOKEN = 32
"""Characters of an operator's token: fewer can be guessed."""

DEFAULT_SOURCE = "default"


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and where each came from: `default`, a file's path, a variable or a flag."""

    settings: Settings
    sources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Raw:
    """A value as found, and where."""

    source: str
    value: object
    is_text: bool = False


def load_settings(
    file: Path | None, environ: Mapping[str, str], flags: Mapping[str, object]
) -> Loaded:
    """Read the settings; a flag that is `None` was not given.

    Raises `ConfigurationError`, which names every fault and where it is.
    """
    faults: list[str] = []
    found = _from_file(file, faults) if file else {}
    found |= _from_environment(environ, faults)
    found |= {n: _Raw(_flag(n), v) for n, v in flags.items() if v is not None}
    values = dict(_converted(found, faults))
    if faults:
        raise ConfigurationError("; ".join(faults), extra={"errors": faults})
    sources = {n: found[n].source if n in found else DEFAULT_SOURCE for n in _names()}
    return Loaded(msgspec.structs.replace(Settings(), **values), sources)


def state_dir(environ: Mapping[str, str]) -> Path:
    """Return this user's folder for state (XDG Base Directory: `XDG_STATE_HOME`); makes nothing."""
    base = environ.get("XDG_STATE_HOME") or str(Path(environ.get("HOME", "/")) / ".local" / "state")
    return Path(base) / "dream-gateway"


def _names() -> tuple[str, ...]:
    return Settings.__struct_fields__


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _from_file(file: Path, faults: list[str]) -> dict[str, _Raw]:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror or 'cannot be read'}.") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: not UTF-8 text.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: not TOML: {error}.") from error
    faults += [f"{file}: {n}: no such setting" for n in content if n not in _names()]
    return {n: _Raw(str(file), v) for n, v in content.items() if n in _names()}


def _from_environment(environ: Mapping[str, str], faults: list[str]) -> dict[str, _Raw]:
    found = {}
    for variable in sorted(environ):
        if not variable.startswith(ENVIRONMENT_PREFIX) or variable == FILE_VARIABLE:
            continue
        name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
        if name in FILE_ONLY:
            faults.append(f"{variable}: {name} can only be set in a file")
        elif name not in _names() or variable != ENVIRONMENT_PREFIX + name.upper():
            faults.append(f"{variable}: no such setting")
        else:
            found[name] = _Raw(variable, environ[variable], is_text=True)
    return found


def _converted(found: Mapping[str, _Raw], faults: list[str]) -> Iterator[tuple[str, object]]:
    hints = get_type_hints(Settings, include_extras=True)
    for name, raw in found.items():
        value = raw.value
        if raw.is_text and isinstance(value, str) and type_name(hints[name]) == "list":
            value = [part.strip() for part in value.split(",") if part.strip()]
        try:
            converted = msgspec.convert(value, hints[name], strict=not raw.is_text)
        except msgspec.ValidationError as error:
            faults.append(_located(raw.source, name, _type_fault(hints[name], str(error))))
            continue
        fault = _checks().get(name, _no_fault)(converted)
        if fault:
            faults.append(_located(raw.source, name, fault))
        yield name, converted


def _type_fault(hint: object, said: str) -> str:
    """Return what is wrong with a value, with the words that it may be if it is one of few."""
    is_word = said.startswith("Invalid enum value") and " or " in type_name(hint)
    return f"{said}: it is {type_name(hint)}" if is_word else said


def _located(source: str, name: str, fault: str) -> str:
    is_named = source in (ENVIRONMENT_PREFIX + name.upper(), _flag(name))
    return f"{source}: {fault}" if is_named else f"{source}: {name}: {fault}"


def _checks() -> dict[str, Callable[[object], str | None]]:
    """Return what types cannot say: each check returns the fault, if there is one."""
    return {
        **dict.fromkeys(STORES, _role_fault),
        "store": _store_fault,
        "upstream": _upstream_fault,
        "service_url": _origin_fault,
        "trusted_proxies": _networks_fault,
        "webhook_networks": _networks_fault,
        "routes": _routes_fault,
        "encryption_keys": _keys_fault,
        "operator_tokens": _tokens_fault,
    }


def _no_fault(_value: object) -> str | None:
    return None


def _store_fault(value: object) -> str | None:
    return None if "://" in str(value) else "not a URL such as sqlite:///dream.db"


def _role_fault(value: object) -> str | None:
    return _store_fault(value) if value else None


def _upstream_fault(value: object) -> str | None:
    url = str(value)
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        fine = False
    if url.startswith(("unix:/", "unix:///")):
        fine = True
    return None if fine or url == "" else "not a URL such as http://127.0.0.1:3000 or unix:/run/api"


def _origin_fault(value: object) -> str | None:
    url = str(value)
    fine = not url or origin_of(url) is not None
    return None if fine else "not a URL such as https://gateway.example.com"


def _networks_fault(value: object) -> str | None:
    for block in value if isinstance(value, tuple) else ():
        try:
            ip_network(block, strict=False)
        except ValueError:
            return "holds something that is not a CIDR block such as 10.0.0.0/8"
    return None


def _keys_fault(value: object) -> str | None:
    for number, key in enumerate(value if isinstance(value, tuple) else ()):
        try:
            parse_key(str(key))
        except ConfigurationError:
            return f"[{number}]: not 32 bytes in base64 (dream-gateway secrets key makes one)"
    return None


def _tokens_fault(value: object) -> str | None:
    tokens = value if isinstance(value, tuple) else ()
    short = any(len(token) < SHORTEST_TOKEN or not token.isascii() for token in tokens)
    return f"holds a token that has not {SHORTEST_TOKEN} ASCII characters" if short else None


def _routes_fault(value: object) -> str | None:
    for number, route in enumerate(value if isinstance(value, tuple) else ()):
        urls = route.upstreams if isinstance(route, RouteSettings) else ()
        if any(url == "" or _upstream_fault(url) for url in urls):
            return f"[{number}].upstreams: not a URL such as http://127.0.0.1:3000 or unix:/run/api"
    return None
