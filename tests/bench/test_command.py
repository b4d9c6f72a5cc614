"""What the command runs: who, and which parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bench.load.__main__ import chosen, parse
from bench.load.contender import KEY, Contender, Setting
from bench.load.contenders import contenders
from bench.load.curves import curves
from bench.load.servers import proxies

if TYPE_CHECKING:
    from pathlib import Path

    from bench.load.machine import Server
    from bench.load.wrk import Job


def test_everything_runs_unless_parts_are_named() -> None:
    asked = parse([])
    assert (asked.table, asked.admission, asked.modes) == (True, True, True)
    assert asked.curves == list(curves())


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--table"], (True, False, None)),
        (["--modes"], (False, False, None)),
        (["--admission"], (False, True, None)),
        (["--only", "Envoy"], (True, True, None)),
        (["--only", "Envoy", "--curves", "keys"], (False, False, ["keys"])),
        (["--curves"], (False, False, list(curves()))),
        (["--curves", "keys"], (False, False, ["keys"])),
        (["--table", "--curves", "bodies", "keys"], (True, False, ["bodies", "keys"])),
    ],
)
def test_only_the_parts_named_run(words: list[str], parts: tuple[object, ...]) -> None:
    asked = parse(words)
    assert (asked.table, asked.admission, asked.curves) == parts


def test_the_short_form_is_the_gateway_for_a_second_without_curves() -> None:
    asked = parse(["--short"])
    assert (asked.rounds, asked.seconds, asked.curves) == (1, 1, None)
    assert asked.table
    assert asked.admission
    names = [each.name for each in chosen(contenders(), asked.only)]
    assert names[:2] == ["nginx return 200", "nginx proxy_pass"]
    assert {name.split()[0] for name in names} == {"nginx", "dream-gateway"}


def test_who_is_chosen_brings_its_yardstick() -> None:
    names = [each.name for each in chosen(contenders(), ["Envoy"])]
    assert names == ["nginx proxy_pass", "Envoy"]
    assert len(chosen(contenders(), None)) == len(contenders())


def test_yardsticks_come_first_and_names_are_unique() -> None:
    every = contenders()
    names = [each.name for each in every]
    assert len(set(names)) == len(names)
    for each in every:
        assert not each.yardstick or names.index(each.yardstick) < names.index(each.name)


def test_what_is_not_installed_is_named() -> None:
    def begin(_: Setting) -> tuple[Server, Job]:
        raise AssertionError

    absent = Contender(
        "x",
        "proxy",
        "none",
        begin,
        programs=("no-such-program", "python3"),
        packages=("no-such-package", "msgspec"),
    )
    assert absent.missing == ("no-such-program", "no-such-package")


@pytest.mark.parametrize("name", ["haproxy.cfg", "envoy.yaml", "traefik.yaml", "Caddyfile"])
def test_configurations_are_filled_in(name: str, tmp_path: Path) -> None:
    port, path = proxies.configure(name, Setting(tmp_path, 4321, 17))
    text = path.read_text()
    assert "$" not in text
    assert "4321" in text
    assert (name == "traefik.yaml") or str(port) in text
    assert (name == "haproxy.cfg") or KEY in text
    assert (name == "Caddyfile") or "17" in text
