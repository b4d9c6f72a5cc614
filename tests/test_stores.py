"""Which store gets which role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dream_gateway.clock import SystemClock
from dream_gateway.errors import ConfigurationError
from dream_gateway.settings import Settings
from dream_gateway.storage import Change, Role, Subject
from dream_gateway.stores import Stores

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Stores]

MEMORY = "memory://"


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Return what chooses stores by settings; a relative file is in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)

    def choose(**settings: str) -> Stores:
        return Stores(Settings(**settings), SystemClock())  # type: ignore[arg-type]  # URLs

    return choose


def roles(stores: Stores) -> dict[str, list[Role]]:
    return {url: roles for url, roles, _ in stores.each()}


def test_one_store_has_every_role_it_offers(make: Make) -> None:
    assert roles(make()) == {"sqlite:///dream.db": [Role.RECORDS, Role.LEDGER, Role.FEED]}
    assert roles(make(store=MEMORY)) == {MEMORY: list(Role)}


def test_a_store_that_is_named_twice_is_opened_once(make: Make) -> None:
    stores = make(store=MEMORY, records="sqlite:///a.db", ledger="sqlite:///a.db")
    assert roles(stores) == {
        "sqlite:///a.db": [Role.RECORDS, Role.LEDGER, Role.FEED],
    }
    assert stores.of(Role.RECORDS) is stores.of(Role.LEDGER)


def test_a_role_that_is_named_goes_elsewhere(make: Make) -> None:
    stores = make(ledger=MEMORY, kv=MEMORY)
    assert roles(stores) == {
        "sqlite:///dream.db": [Role.RECORDS, Role.FEED],
        MEMORY: [Role.LEDGER, Role.KV],
    }
    assert not stores.shareable
    assert stores.kv() is stores.of(Role.KV).kv()


def test_a_store_that_is_set_keeps_the_roles_that_are_not_named(make: Make) -> None:
    assert roles(make(store=MEMORY, records="sqlite:///a.db")) == {
        "sqlite:///a.db": [Role.RECORDS, Role.FEED],
        MEMORY: [Role.LEDGER, Role.KV],
    }


def test_records_that_are_named_bring_the_rest_where_no_store_is_set(make: Make) -> None:
    stores = make(records="sqlite:///a.db")
    assert roles(stores) == {"sqlite:///a.db": [Role.RECORDS, Role.LEDGER, Role.FEED]}
    assert stores.kv() is None


def test_a_role_the_store_cannot_hold_is_refused_with_those_that_are_installed(make: Make) -> None:
    with pytest.raises(ConfigurationError, match="cannot hold the kv: it offers feed, ledger") as e:
        make(kv="sqlite:///a.db")
    assert "memory, " in e.value.detail


def test_no_password_is_told(make: Make) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make(ledger="sqlite://me:hush@host/x")
    assert "hush" not in caught.value.detail


async def test_changes_are_published_where_they_are_followed(make: Make) -> None:
    stores = make(feed=MEMORY)
    await stores.start()
    chosen, own = stores.feeds()
    assert chosen is stores.feed()
    assert own is stores.of(Role.RECORDS).feed()
    follower = aiter(chosen.follow())
    await anext(follower)
    await stores.feed().publish([Change(Subject.TIER, "prj_1")])
    assert list(await anext(follower)) == [Change(Subject.TIER, "prj_1")]
    await stores.close()
    await stores.close()


def test_only_the_roles_asked_for_are_opened(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path}/a.db", ledger="nosuch://")
    stores = Stores(settings, SystemClock(), (Role.RECORDS, Role.FEED))
    assert [roles for _, roles, _ in stores.each()] == [[Role.RECORDS, Role.FEED]]
