"""Pages from templates, the files beside them, and the fields that keep both safe."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from dream_gateway.dashboard import charts, formats
from dream_gateway.origins import origin_of

if TYPE_CHECKING:
    from collections.abc import Collection

SAFETY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # With "no-referrer", browsers would send forms with `Origin: null`.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
FILES = {"style.css": "text/css", "app.js": "text/javascript", "icon.svg": "image/svg+xml"}
STATIC = "/dashboard/static/"
FOREVER = "public, max-age=31536000, immutable"


class Rendering:
    """Renders the dashboard's templates. The files' addresses change with what is in them."""

    def __init__(self) -> None:
        folder = files("dream_gateway.dashboard").joinpath("static")
        self._files = {name: folder.joinpath(name).read_bytes() for name in FILES}
        versions = {name: sha256(data).hexdigest()[:12] for name, data in self._files.items()}
        self._templates = Environment(
            loader=PackageLoader("dream_gateway.dashboard"),
            undefined=StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals |= {
            "static": lambda name: f"{STATIC}{name}?v={versions[name]}",
            "bar": charts.bar,
            "ago": formats.ago,
            "money": formats.money,
            "percent": formats.percent,
        }
        self._templates.filters |= {
            "number": formats.number,
            "short": formats.short,
            "date": formats.date,
            "moment": formats.moment,
            "iso": formats.iso,
        }

    def page(
        self,
        name: str,
        values: dict[str, object],
        *,
        status: int = 200,
        part: str = "",
        images: Collection[str] = (),
        targets: Collection[str] = (),
    ) -> Response:
        """Return a page, or the block of it that is named `part`, if it has one.

        `images` are addresses that it shows pictures from, `targets` those that its forms lead to.
        """
        template = self._templates.get_template(name)
        if part in template.blocks:
            text = "".join(template.blocks[part](template.new_context(values)))
        else:
            text = template.render(values)
        headers = {
            **SAFETY,
            "cache-control": "no-store",
            "vary": "X-Part",
            "content-security-policy": policy(images, targets),
        }
        return HTMLResponse(text, status, headers)

    def file(self, name: str) -> Response | None:
        """Return a file, `None` if there is none of that name."""
        if name not in FILES:
            return None
        headers = {"x-content-type-options": "nosniff", "cache-control": FOREVER}
        return Response(self._files[name], headers=headers, media_type=FILES[name])


def policy(images: Collection[str], targets: Collection[str]) -> str:
    """Return a page's content security policy: nothing but our own files, and no inline script.

    Browsers apply `form-action` to where a form's answer redirects to, too.
    """
    shown = sorted({origin for each in images if (origin := origin_of(each))})
    led = sorted({origin for each in targets if (origin := origin_of(each))})
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            " ".join(["img-src 'self' data:", *shown]),
            " ".join(["form-action 'self'", *led]),
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )
