"""`/dashboard/{project}/webhooks`: what payment providers told, and what is told to endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from dream_gateway.dashboard import entries
from dream_gateway.dashboard.acting import Way, way_of
from dream_gateway.dashboard.page import Page
from dream_gateway.errors import GatewayError, NotFoundError
from dream_gateway.model import Role
from dream_gateway.records import inbox, message_log, webhook_endpoints
from dream_gateway.records.message_log import Wanted
from dream_gateway.records.messages import DispatchStatus, MessageType
from dream_gateway.service.paging import cut, decode_position
from dream_gateway.service.payment_events import account_of

if TYPE_CHECKING:
    from starlette.responses import Response

    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.visit import Visit

PATH = "/dashboard/{project}/webhooks"
API = "/api/webhook-endpoints"
ONE = API + "/{id}"
EVENTS = "/platform/projects/{projectId}/payment-events/replay"
RECENT = 20
ON_A_PAGE = 20
SECRET = "The endpoint's secret"  # noqa: S105 - a title
TYPES = tuple(each.value for each in MessageType if each is not MessageType.TEST)


ACTS = {
    "enable": Way("PATCH", ONE, {"status": "enabled"}, "enabled"),
    "disable": Way("PATCH", ONE, {"status": "disabled"}, "endpoint-disabled"),
    "delete": Way("DELETE", ONE, None, "deleted"),
    "test": Way("POST", ONE + "/test", {}, "sent"),
    "replay": Way("POST", ONE + "/replay", {}, "sent"),
}


class WebhookPages:
    """Handlers by page; each takes a visit and returns the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def pages(self) -> tuple[Page, ...]:
        """Return the pages of this module."""
        return (
            Page("GET", PATH, self.show),
            Page("POST", PATH, self.create, least=Role.ADMIN),
            Page("POST", PATH + "/received/replay", self.replay, least=Role.ADMIN),
            Page("POST", PATH + "/{endpoint}/rotate", self.rotate, least=Role.ADMIN),
            Page("POST", PATH + "/{endpoint}/{act}", self.act, least=Role.ADMIN),
        )

    async def show(self, visit: Visit) -> Response:
        """Show the endpoints, what was sent to them, and what was received."""
        project, status = visit.place.project.id, visit.query.get("status", "")
        before = decode_position(visit.query.get("cursor") or None)
        wanted = Wanted(status=status if status in set(DispatchStatus) else None)
        async with self._desk.read() as connection:
            endpoints = await webhook_endpoints.of_project(connection, project)
            found = await message_log.page(connection, project, wanted, before, ON_A_PAGE + 1)
            received = await inbox.recent(connection, project, RECENT)
            account = await account_of(connection, visit.place.project)
            failed = [] if account is None else await inbox.failed(connection, account, RECENT + 1)
        page, cursor = cut(found, ON_A_PAGE, lambda message: str(message.position))
        more = {"status": status, "cursor": cursor or ""}
        query = urlencode({name: value for name, value in more.items() if value})
        return self._desk.show(
            visit,
            "webhooks.html",
            endpoints=endpoints,
            urls={each.id: each.url for each in endpoints},
            messages=page,
            received=received,
            failed=failed[:RECENT],
            fail_more=len(failed) > RECENT,
            types=TYPES,
            fate=status,
            statuses=("", *(each.value for each in DispatchStatus)),
            before=f"{visit.home}/webhooks" if before is not None else "",
            after=f"{visit.home}/webhooks?{query}" if cursor else "",
        )

    async def create(self, visit: Visit) -> Response:
        """Create an endpoint, and show its secret this once."""
        body = {
            "url": entries.text(visit, "url"),
            "description": entries.text(visit, "description"),
            "types": visit.values("types"),
        }
        try:
            done = await self._desk.act(visit, "POST", API, body=body, once=True)
        except GatewayError as error:
            self._desk.refused(visit, error)
            return await self.show(visit)
        return self._desk.show_secret(visit, SECRET, done.value.secret, f"{visit.home}/webhooks")

    async def rotate(self, visit: Visit) -> Response:
        """Give an endpoint a new secret; for a day the old one signs as well."""
        here = {"id": visit.parameters["endpoint"]}
        done = await self._desk.act(visit, "POST", ONE + "/rotate", here, body={}, once=True)
        return self._desk.show_secret(visit, SECRET, done.value.secret, f"{visit.home}/webhooks")

    async def replay(self, visit: Visit) -> Response:
        """Have the payment provider's events that failed dealt with again: one, or all."""
        event, here = visit.value("event"), {"projectId": visit.place.project.id}
        body = {"eventIds": [event]} if event else {}
        try:
            await self._desk.act(visit, "POST", EVENTS, here, body=body)
        except GatewayError as error:
            self._desk.refused(visit, error)
            return await self.show(visit)
        return self._desk.go(f"{visit.home}/webhooks", "taken-again")

    async def act(self, visit: Visit) -> Response:
        """Enable, disable, delete or try an endpoint, or send it again what it missed."""
        way, here = way_of(ACTS, visit.parameters["act"]), {"id": visit.parameters["endpoint"]}
        body, message = way.body, visit.value("message")
        if message:
            body = {"messageIds": [message]}
        try:
            await self._desk.act(visit, way.method, way.path, here, body=body, once=body == {})
        except NotFoundError:
            raise
        except GatewayError as error:
            self._desk.refused(visit, error)
            return await self.show(visit)
        return self._desk.go(f"{visit.home}/webhooks", way.done)
