"""Pages from templates, with the fields that keep them safe, and a project's own colours."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from dream_gateway.origins import origin_of

if TYPE_CHECKING:
    from dream_gateway_local.realm import Realm

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
PRIMARY = "primary"
DEFAULT_ACCENT = "#2f5bea"
HALF_LIGHT = 0.179
"""The relative luminance at which black and white text are equally easy to read (WCAG 2)."""

SAFETY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # With "no-referrer", browsers would send forms with `Origin: null`.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Pages:
    """Renders the plugin's templates."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=PackageLoader("dream_gateway_local"),
            undefined=StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._style = files("dream_gateway_local").joinpath("templates/style.css").read_text()

    def page(self, name: str, realm: Realm, status: int = 200, **values: object) -> HTMLResponse:
        """Return a page of a realm."""
        logo = logo_of(realm)
        text = self._templates.get_template(name).render(realm=realm, logo=logo, **values)
        headers = {
            **SAFETY,
            "cache-control": "no-store",
            "content-security-policy": policy(realm, logo),
        }
        return HTMLResponse(text, status, headers)

    def failure(self, title: str, detail: str, status: int) -> HTMLResponse:
        """Return a page that says what went wrong, where no realm is known."""
        text = self._templates.get_template("failure.html").render(title=title, detail=detail)
        headers = {
            **SAFETY,
            "cache-control": "no-store",
            "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        }
        return HTMLResponse(text, status, headers)

    def stylesheet(self, realm: Realm) -> Response:
        """Return the style of a realm's pages."""
        accent = colour_of(realm)
        own = f":root {{ --accent: {accent}; --on-accent: {text_on(accent)}; }}\n"
        headers = {"x-content-type-options": "nosniff", "cache-control": "public, max-age=60"}
        return Response(own + self._style, headers=headers, media_type="text/css")


def policy(realm: Realm, logo: str | None) -> str:
    """Return the content security policy of a realm's pages: no scripts, no inline style.

    `form-action` names the origins people go on to: browsers apply it to a form's redirect too.
    """
    targets = [origin for each in realm.origins if (origin := origin_of(each))]
    images = ["'self'", *([origin_of(logo) or ""] if logo else [])]
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            f"img-src {' '.join(images)}",
            " ".join(["form-action 'self'", *targets]),
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )


def logo_of(realm: Realm) -> str | None:
    """Return the logo's address, if it is one that a page may show."""
    url = realm.branding.logo_url
    return url if url and origin_of(url) else None


def colour_of(realm: Realm) -> str:
    """Return the colour of buttons and marks: the project's, if it is one."""
    wanted = realm.branding.colours.get(PRIMARY, "")
    return wanted.lower() if _COLOUR.fullmatch(wanted) else DEFAULT_ACCENT


def text_on(colour: str) -> str:
    """Return the colour of text that is readable on another: black or white (WCAG 2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#000000" if light > HALF_LIGHT else "#ffffff"
