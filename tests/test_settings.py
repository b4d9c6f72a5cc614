"""The table of settings, and where they are read from."""

from __future__ import annotations

from pathlib import Path

import pytest

from dream_gateway.cli.settings import reference_page
from dream_gateway.configuration import load_settings, state_dir
from dream_gateway.encryption_keys import mint_key
from dream_gateway.errors import ConfigurationError
from dream_gateway.settings import RouteSettings, Settings
from dream_gateway.settings_table import shown, table, without_password

REFERENCE = Path(__file__).parent.parent / "docs" / "reference" / "settings.md"


def _faults(
    file: Path | None = None,
    environ: dict[str, str] | None = None,
    flags: dict[str, object] | None = None,
) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file, environ or {}, flags or {})
    return caught.value.detail.split("; ")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "gateway.toml"


def test_without_anything_every_setting_has_its_default() -> None:
    loaded = load_settings(None, {}, {})
    assert loaded.settings == Settings()
    assert set(loaded.sources.values()) == {"default"}


def test_a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default(
    file: Path,
) -> None:
    file.write_text('port = 1\nhost = "f"\nservice_port = 11\n')
    environ = {"DREAM_GATEWAY_PORT": "2", "DREAM_GATEWAY_HOST": "e", "PATH": "/bin"}
    loaded = load_settings(file, environ, {"port": 3, "host": None})
    settings = loaded.settings
    assert (settings.port, settings.host, settings.service_port) == (3, "e", 11)
    assert settings.service_host == "127.0.0.1"
    names = ("port", "host", "service_port", "service_host")
    assert [loaded.sources[name] for name in names] == [
        "--port",
        "DREAM_GATEWAY_HOST",
        str(file),
        "default",
    ]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("strict", "true", True),
        ("strict", "0", False),
        ("lease_share", "0.5", 0.5),
        ("lease_idle", "2", 2.0),
        ("authorize_limit_status", "403", 403),
        ("charge", "success", "success"),
        ("trusted_proxies", "10.0.0.0/8, ::1", ("10.0.0.0/8", "::1")),
        ("trusted_proxies", "", ()),
        ("upstream", "", ""),
        ("upstream", "unix:/run/api.sock", "unix:/run/api.sock"),
    ],
)
def test_the_environment_gives_values_of_every_type(name: str, text: str, value: object) -> None:
    settings = load_settings(None, {"DREAM_GATEWAY_" + name.upper(): text}, {}).settings
    assert getattr(settings, name) == value


def test_every_fault_is_named_at_once_with_where_it_is(file: Path) -> None:
    file.write_text('prot = 1\nworkers = 0\nstrict = "yes"\n[[routes]]\nprefix = "/a"\ncots = 2\n')
    environ = {
        "DREAM_GATEWAY_PORT": "http",
        "DREAM_GATEWAY_NOPE": "1",
        "DREAM_GATEWAY_ROUTES": "[]",
        "DREAM_GATEWAY_TRUSTED_PROXIES": "10.0.0.0/8,there",
    }
    faults = _faults(file, environ, {"upstream": "localhost:3000", "lease_max": 0})
    assert [fault.partition(": ")[0] for fault in faults] == [
        str(file),
        "DREAM_GATEWAY_NOPE",
        "DREAM_GATEWAY_ROUTES",
        *[str(file)] * 3,
        "DREAM_GATEWAY_PORT",
        "DREAM_GATEWAY_TRUSTED_PROXIES",
        "--upstream",
        "--lease-max",
    ]
    assert faults[0] == f"{file}: prot: no such setting"
    assert any("workers: Expected `int` >= 1" in fault for fault in faults)
    assert any("`cots`" in fault and "$[0]" in fault for fault in faults)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", 65536),
        ("port", -1),
        ("lease_share", 0),
        ("lease_share", 1.5),
        ("lease_age", float("nan")),
        ("drain_seconds", float("inf")),
        ("drain_seconds", -1),
        ("log_level", "loud"),
        ("store", "dream.db"),
        ("upstream", "ftp://there"),
        ("upstream", "http://"),
        ("upstream", "unix:api.sock"),
        ("upstream", "http://[::1"),
        ("upstream", "http://there:99999"),
        ("port", True),
    ],
)
def test_a_bad_value_is_a_fault(name: str, value: object) -> None:
    assert len(_faults(flags={name: value})) == 1


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"port = ", "not TOML"),
        (b'host = "\xff"', "not UTF-8"),
        (b"", None),
    ],
)
def test_a_file_that_is_not_toml_is_a_fault(file: Path, content: bytes, fault: str | None) -> None:
    file.write_bytes(content)
    if fault is None:
        assert load_settings(file, {}, {}).settings == Settings()
    else:
        assert fault in _faults(file)[0]


def test_a_file_that_is_not_there_is_a_fault(file: Path) -> None:
    assert _faults(file) == [f"{file}: No such file or directory."]


def test_routes_and_plugins_come_from_the_file(file: Path) -> None:
    file.write_text(
        '[[routes]]\nprefix = "/a"\ncost = 5\nupstreams = ["http://one"]\n'
        '[plugins.stripe]\nsecret = "s"\n'
    )
    settings = load_settings(file, {}, {}).settings
    assert settings.routes == (RouteSettings(prefix="/a", cost=5, upstreams=("http://one",)),)
    assert settings.plugins == {"stripe": {"secret": "s"}}


def test_a_route_to_nowhere_is_a_fault(file: Path) -> None:
    file.write_text('[[routes]]\nupstreams = ["http://one"]\n[[routes]]\nupstreams = ["two"]\n')
    assert "[1].upstreams" in _faults(file)[0]


@pytest.mark.parametrize("bad", ["secret-but-short", "x" * 43])
def test_a_bad_encryption_key_is_named_by_its_place_alone(bad: str) -> None:
    environ = {"DREAM_GATEWAY_ENCRYPTION_KEYS": f"{mint_key()},{bad}"}
    (fault,) = _faults(environ=environ)
    assert fault.startswith("DREAM_GATEWAY_ENCRYPTION_KEYS: [1]: not 32 bytes")
    assert bad not in fault


def test_no_secret_is_shown() -> None:
    assert shown("plugins", {"stripe": {"secret": "s"}}) == ["stripe"]
    assert shown("encryption_keys", (mint_key(),)) == ["***"]
    assert shown("store", "postgres://me:pw@db/x?a=1") == "postgres://me:***@db/x?a=1"
    assert without_password("sqlite:////a@b.db") == "sqlite:////a@b.db"
    assert "pw" not in without_password("valkey://db/0?password=pw")


def test_no_fault_quotes_a_password() -> None:
    (fault,) = _faults(flags={"upstream": "postgres://me:hunter2@db"})
    assert "hunter2" not in fault


def test_every_setting_has_help_with_a_full_stop() -> None:
    for row in [*table(), *table(RouteSettings)]:
        assert row.help.endswith("."), row.name
        assert row.type, row.name


def test_the_reference_page_is_current() -> None:
    assert REFERENCE.read_text() == reference_page()


def test_the_state_folder_follows_the_xdg_specification() -> None:
    assert state_dir({"HOME": "/h"}) == Path("/h/.local/state/dream-gateway")
    assert state_dir({"HOME": "/h", "XDG_STATE_HOME": "/s"}) == Path("/s/dream-gateway")


def test_a_word_that_is_none_of_few_is_told_with_those() -> None:
    with pytest.raises(ConfigurationError, match="'loud': it is debug or info or warning or error"):
        load_settings(None, {}, {"log_level": "loud"})
