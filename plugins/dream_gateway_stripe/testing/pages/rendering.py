"""Templates, and how money and time are written on pages."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from dream_gateway_stripe.testing.books import JSON

PACKAGE = "dream_gateway_stripe.testing"
WHOLE = frozenset(
    {
        "bif",
        "clp",
        "djf",
        "gnf",
        "jpy",
        "kmf",
        "krw",
        "mga",
        "pyg",
        "rwf",
        "ugx",
        "vnd",
        "vuv",
        "xaf",
        "xof",
        "xpf",
    }
)
"""Currencies without a smaller unit."""

CARDS = (
    ("works", "A card that works"),
    ("later", "A card that works today, and is declined later"),
    ("declines", "A card that is declined"),
    ("slow", "A bank debit: the money takes days"),
)
"""What can be paid with, and what is said of it."""


def money(amount: int | None, currency: str) -> str:
    """Write an amount of minor units."""
    if amount is None:
        return "by usage"
    if currency in WHOLE:
        return f"{amount} {currency.upper()}"
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02} {currency.upper()}"


def each(price: JSON) -> str:
    """Write how often a price is paid."""
    recurring = price["recurring"]
    if recurring is None:
        return ""
    count = recurring["interval_count"]
    return (
        f" per {recurring['interval']}" if count == 1 else f" per {count} {recurring['interval']}s"
    )


def day(at: int) -> str:
    """Write a day."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


def moment(at: int) -> str:
    """Write an instant."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"


class Renderer:
    """Makes pages."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=PackageLoader(PACKAGE),
            undefined=StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(money=money, each=each, day=day, moment=moment, cards=CARDS)
        self._style = files(PACKAGE).joinpath("templates/style.css").read_text()

    def page(
        self, name: str, title: str, *, fault: str = "", status: int = 200, **values: object
    ) -> Response:
        """Return a page."""
        template = self._templates.get_template(name)
        text = template.render(title=title, fault=fault, **values)
        headers = {
            "cache-control": "no-store",
            "content-security-policy": "default-src 'none'; style-src 'self'",
            "x-content-type-options": "nosniff",
        }
        return HTMLResponse(text, status, headers)

    def told(self, title: str, status: int = 404) -> Response:
        """Return a page that says one thing."""
        return self.page("told.html", title, status=status)

    def style(self) -> Response:
        """Return the style of all pages."""
        return Response(self._style, media_type="text/css")


def go(url: str) -> Response:
    """Send a browser on, by GET."""
    return RedirectResponse(url, 303)
