"""`/dashboard/{project}/keys`: the project's own keys, secret and publishable."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from dream_gateway.dashboard import entries
from dream_gateway.dashboard.customer_keys import GRACES
from dream_gateway.dashboard.page import Page
from dream_gateway.errors import GatewayError, NotFoundError
from dream_gateway.model import KeyKind, Role
from dream_gateway.records import credentials
from dream_gateway.service.paging import cut, decode_cursor

if TYPE_CHECKING:
    from starlette.responses import Response

    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.visit import Visit
    from dream_gateway.model import Credential

PATH = "/dashboard/{project}/keys"
PROJECT = "/platform/projects/{projectId}"
KINDS = (KeyKind.SECRET, KeyKind.PUBLISHABLE)
ON_A_PAGE = 50


class KeyPages:
    """Handlers by page; each takes a visit and returns the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def pages(self) -> tuple[Page, ...]:
        """Return the pages of this module."""
        return (
            Page("GET", PATH, self.show),
            Page("GET", PATH + "/new", self.show_new, least=Role.ADMIN),
            Page("POST", PATH + "/new", self.create, least=Role.ADMIN),
            Page("GET", PATH + "/{key}", self.show_rotation, least=Role.ADMIN),
            Page("POST", PATH + "/{key}", self.rotate, least=Role.ADMIN),
            Page("POST", PATH + "/{key}/revoke", self.revoke, least=Role.ADMIN),
        )

    async def show(self, visit: Visit) -> Response:
        """Show a page of the keys, newest first."""
        after = decode_cursor(visit.query.get("cursor") or None)
        async with self._desk.read() as connection:
            found = await credentials.of_project(
                connection, visit.place.project.id, KINDS, after, ON_A_PAGE + 1, newest=True
            )
        page, cursor = cut(found, ON_A_PAGE, lambda key: key.id)
        home = f"{visit.home}/keys"
        return self._desk.show(
            visit,
            "keys.html",
            keys=page,
            before=home if after is not None else "",
            after=f"{home}?{urlencode({'cursor': cursor})}" if cursor else "",
        )

    async def show_new(self, visit: Visit) -> Response:
        """Show the form for a secret key."""
        back = f"{visit.home}/keys"
        return self._desk.show(visit, "new_key.html", customer=None, action=visit.path, back=back)

    async def create(self, visit: Visit) -> Response:
        """Create a secret key, and show it this once."""
        body = {
            "name": entries.text(visit, "name"),
            "expiresAt": entries.instant(visit, "expiresAt"),
        }
        if visit.errors:
            return await self.show_new(visit)
        path, here = PROJECT + "/credentials", {"projectId": visit.place.project.id}
        try:
            done = await self._desk.act(visit, "POST", path, here, body=body, once=True)
        except GatewayError as error:
            self._desk.refused(visit, error)
            return await self.show_new(visit)
        return self._desk.show_secret(visit, "The new key", done.value.key, f"{visit.home}/keys")

    async def show_rotation(self, visit: Visit) -> Response:
        """Show the form for another key in this one's place."""
        key = await self._key(visit)
        return self._desk.show(
            visit,
            "rotate_key.html",
            masked=f"{key.prefix}…{key.last4}",
            action=visit.path,
            back=f"{visit.home}/keys",
            graces=GRACES,
        )

    async def rotate(self, visit: Visit) -> Response:
        """Put another key in this one's place, and show it."""
        key = await self._key(visit)
        here = {"projectId": visit.place.project.id}
        path = PROJECT + "/publishable-key/rotate"
        if key.kind is KeyKind.SECRET:
            path, here["keyId"] = PROJECT + "/credentials/{keyId}/rotate", key.id
        body = {"graceSeconds": entries.whole(visit, "graceSeconds") or 0}
        try:
            done = await self._desk.act(visit, "POST", path, here, body=body, once=True)
        except GatewayError as error:
            self._desk.refused(visit, error)
            return await self.show_rotation(visit)
        return self._desk.show_secret(visit, "The new key", done.value.key, f"{visit.home}/keys")

    async def revoke(self, visit: Visit) -> Response:
        """Revoke a secret key."""
        here = {"projectId": visit.place.project.id, "keyId": visit.parameters["key"]}
        try:
            await self._desk.act(visit, "DELETE", PROJECT + "/credentials/{keyId}", here)
        except NotFoundError:
            raise
        except GatewayError as error:
            self._desk.refused(visit, error)
            return await self.show(visit)
        return self._desk.go(f"{visit.home}/keys", "revoked")

    async def _key(self, visit: Visit) -> Credential:
        async with self._desk.read() as connection:
            found = await credentials.by_id(connection, visit.parameters["key"])
        if found is None or found.project_id != visit.place.project.id or found.customer_id:
            raise NotFoundError("There is no such key.")
        return found
