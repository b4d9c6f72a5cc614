"""Addresses of a project's pages for its users: where to send a browser. Nothing is asked here."""

from __future__ import annotations

from urllib.parse import quote, urlencode


class AuthPages:
    """The pages of the project that a publishable key is of.

    `redirect_url` is where the browser goes on to, of one of the project's origins; `state` comes
    back with it: make it random, and compare it.
    """

    def __init__(self, base_url: str, publishable_key: str | None) -> None:
        self._base_url = base_url
        self._publishable_key = publishable_key

    def get_sign_up_url(self, *, redirect_url: str | None = None, state: str | None = None) -> str:
        """Return where users open an account."""
        return self._page("sign-up", redirect_url, state)

    def get_sign_in_url(self, *, redirect_url: str | None = None, state: str | None = None) -> str:
        """Return where users sign in."""
        return self._page("sign-in", redirect_url, state)

    def get_password_reset_url(
        self, *, redirect_url: str | None = None, state: str | None = None
    ) -> str:
        """Return where users choose a new password."""
        return self._page("reset", redirect_url, state)

    def get_customer_portal_url(self) -> str:
        """Return where users who are signed in see their account."""
        return self._page("account", None, None)

    def _page(self, name: str, redirect_url: str | None, state: str | None) -> str:
        if self._publishable_key is None:
            raise ValueError("These pages are a project's: give the client its publishable_key.")
        query = {"redirect_url": redirect_url, "state": state}
        given = urlencode({key: value for key, value in query.items() if value is not None})
        page = f"{self._base_url}/auth/{quote(self._publishable_key, safe='')}/{name}"
        return f"{page}?{given}" if given else page
