"""Which settings new workers may have beside old ones, and which need the gateway started again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.errors import NotReloadableError
from dream_gateway.settings import STORES

if TYPE_CHECKING:
    from dream_gateway.settings import Settings

FIXED = (*STORES, "journal_dir", "host", "port", "service_host", "service_port", "workers")
"""The listeners are open, and two ledgers at a time would each admit the whole of a limit."""

SWITCHES = ("tls_certificate", "service_tls_certificate")
"""May change, but not be set or emptied: old and new workers accept from one listener for a while."""


def check_reloadable(old: Settings, new: Settings) -> None:
    """Raise `NotReloadableError`, which names what changed of that which may not."""
    changed = [name for name in FIXED if getattr(old, name) != getattr(new, name)]
    changed += [name for name in SWITCHES if bool(getattr(old, name)) != bool(getattr(new, name))]
    if changed:
        raise NotReloadableError(
            f"{', '.join(changed)} changed; restart the gateway for that, or put it back."
        )
