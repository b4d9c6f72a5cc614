"""What a page says once something was done on the one before it, by the word in its address."""

from __future__ import annotations

NOTICES = {
    "signed-out": "You are signed out.",
    "restart": "That sign-in was begun in another browser, or too long ago. Please try again.",
    "stale": "That link was opened before, or is too old.",
    "promoted": "The live project is now like the test project.",
    "suspended": "The platform is suspended: its keys are refused.",
    "resumed": "The platform's keys work again.",
    "customer-suspended": "The customer is suspended: they are refused.",
    "customer-resumed": "The customer is let in again.",
    "saved": "Saved.",
    "created": "Created.",
    "deleted": "Deleted.",
    "revoked": "Revoked: it is refused from now on.",
    "disabled": "Disabled: it is refused until it is enabled again.",
    "enabled": "Enabled.",
    "endpoint-disabled": "Disabled: nothing is sent there until it is enabled again.",
    "sent": "On its way.",
    "taken-again": "Taken again: what it is about is asked for anew.",
    "invited": "They are in as soon as they sign in with that address.",
    "removed": "They are no longer on the platform.",
    "disconnected": "The account is disconnected.",
}
