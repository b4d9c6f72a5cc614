"""`/dashboard/{project}/customers/{customer}/keys`: keys of one customer, made and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.dashboard import entries
from dream_gateway.dashboard.acting import Way, way_of
from dream_gateway.dashboard.page import Page
from dream_gateway.errors import GatewayError, NotFoundError
from dream_gateway.model import Role
from dream_gateway.records import credentials, customers

if TYPE_CHECKING:
    from starlette.responses import Response

    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.visit import Visit
    from dream_gateway.model import Credential, Customer

PATH = "/dashboard/{project}/customers/{customer}/keys"
ONE = "/api/keys/{keyId}"
INTERVALS = tuple((each, each) for each in ("second", "minute", "hour", "day"))
GRACES = (
    ("0", "no time: it is refused at once"),
    ("3600", "an hour"),
    ("86400", "a day"),
    ("604800", "a week"),
    ("2592000", "30 days"),
)
NAMES = {"rate/limit": "rateLimit", "rate": "rateLimit", "rate/interval": "rateInterval"}


ACTS = {
    "revoke": Way("DELETE", ONE, None, "revoked"),
    "disable": Way("PATCH", ONE, {"status": "disabled"}, "disabled"),
    "enable": Way("PATCH", ONE, {"status": "active"}, "enabled"),
}


class CustomerKeyPages:
    """Handlers by page; each takes a visit and returns the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def pages(self) -> tuple[Page, ...]:
        """Return the pages of this module."""
        return (
            Page("GET", PATH + "/new", self.show_new, least=Role.ADMIN),
            Page("POST", PATH + "/new", self.create, least=Role.ADMIN),
            Page("GET", PATH + "/{key}", self.show_rotation, least=Role.ADMIN),
            Page("POST", PATH + "/{key}", self.rotate, least=Role.ADMIN),
            Page("POST", PATH + "/{key}/{act}", self.act, least=Role.ADMIN),
        )

    async def show_new(self, visit: Visit) -> Response:
        """Show the form for a key."""
        customer = await self._customer(visit)
        return self._desk.show(
            visit,
            "new_key.html",
            customer=customer,
            action=visit.path,
            back=_back(visit),
            intervals=INTERVALS,
        )

    async def create(self, visit: Visit) -> Response:
        """Create a key, and show its secret this once."""
        limit = entries.whole(visit, "rateLimit")
        body = {
            "name": entries.text(visit, "name"),
            "scopes": entries.words(visit, "scopes"),
            "expiresAt": entries.instant(visit, "expiresAt"),
            "allowedIps": entries.lines(visit, "allowedIps"),
            "rate": None
            if limit is None
            else {"limit": limit, "interval": visit.value("rateInterval", "second")},
        }
        if visit.errors:
            return await self.show_new(visit)
        here = {"id": visit.parameters["customer"]}
        try:
            done = await self._desk.act(
                visit, "POST", "/api/customers/{id}/keys", here, body=body, once=True
            )
        except NotFoundError:
            raise
        except GatewayError as error:
            self._desk.refused(visit, error, NAMES)
            return await self.show_new(visit)
        return self._desk.show_secret(visit, "The new key", done.value.key, _back(visit))

    async def show_rotation(self, visit: Visit) -> Response:
        """Show the form for a new secret."""
        key = await self._key(visit)
        return self._desk.show(
            visit,
            "rotate_key.html",
            masked=f"{key.prefix}…{key.last4}",
            action=visit.path,
            back=_back(visit),
            graces=GRACES,
        )

    async def rotate(self, visit: Visit) -> Response:
        """Give the key a new secret, and show it this once."""
        key = await self._key(visit)
        body = {"graceSeconds": entries.whole(visit, "graceSeconds") or 0}
        try:
            done = await self._desk.act(
                visit, "POST", ONE + "/rotate", {"keyId": key.id}, body=body, once=True
            )
        except GatewayError as error:
            self._desk.refused(visit, error)
            return await self.show_rotation(visit)
        return self._desk.show_secret(visit, "The new key", done.value.key, _back(visit))

    async def act(self, visit: Visit) -> Response:
        """Revoke, disable or enable the key."""
        key, way = await self._key(visit), way_of(ACTS, visit.parameters["act"])
        try:
            await self._desk.act(visit, way.method, way.path, {"keyId": key.id}, body=way.body)
        except GatewayError as error:
            self._desk.refused(visit, error)
            return self._desk.show(visit, "told.html", title="The key is as it was", detail="")
        return self._desk.go(_back(visit), way.done)

    async def _customer(self, visit: Visit) -> Customer:
        async with self._desk.read() as connection:
            found = await customers.by_id(
                connection, visit.place.project.id, visit.parameters["customer"]
            )
        if found is None:
            raise NotFoundError("There is no such customer.")
        return found

    async def _key(self, visit: Visit) -> Credential:
        async with self._desk.read() as connection:
            found = await credentials.by_id(connection, visit.parameters["key"])
        here = (visit.place.project.id, visit.parameters["customer"])
        if found is None or (found.project_id, found.customer_id) != here:
            raise NotFoundError("There is no such key.")
        return found


def _back(visit: Visit) -> str:
    return f"{visit.home}/customers/{visit.parameters['customer']}"
