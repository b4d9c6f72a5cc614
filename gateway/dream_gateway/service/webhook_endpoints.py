"""`/api/webhook-endpoints`: where a project's messages are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from dream_gateway import keys
from dream_gateway.errors import ConflictError, NotFoundError, WebhooksNotConfiguredError
from dream_gateway.model import Role
from dream_gateway.notices import addresses
from dream_gateway.records import dispatches, messages, webhook_endpoints
from dream_gateway.records.messages import EndpointStatus
from dream_gateway.records.webhook_endpoints import Endpoint
from dream_gateway.service.authentication import MANAGERS
from dream_gateway.service.failures import CHANGE, CREATE, READ, REPLACE
from dream_gateway.service.fields import IDEMPOTENCY_KEY, IF_MATCH, PROJECT_ID
from dream_gateway.service.operation import Operation
from dream_gateway.service.reply import Answer
from dream_gateway.service.validation import Fault, invalid
from dream_gateway.service.values import NoFields
from dream_gateway.service.versions import check_match
from dream_gateway.service.webhook_shapes import (
    EndpointChange,
    EndpointList,
    EndpointSecret,
    EndpointView,
    NewEndpoint,
    Queued,
    Replay,
    Replayed,
    SecretRotation,
)
from dream_gateway.service.webhook_values import (
    changed_endpoint,
    endpoint_view,
    made,
    once_each,
    shown,
)

if TYPE_CHECKING:
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory, Reading
    from dream_gateway.service.host import Host

PATH = "/api/webhook-endpoints"
ONE = PATH + "/{id}"
MOST = 20
"""Endpoints that a project may have: each message is sent to every one of them."""


class WebhookEndpointRoutes:
    """Creates, shows, changes and deletes endpoints, and sends them things again."""

    def __init__(self, gateway: Host) -> None:
        self._gateway = gateway

    @property
    def _directory(self) -> Directory:
        return self._gateway.directory

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "GET",
                PATH,
                "List the project's webhook endpoints",
                self.show_all,
                EndpointList,
                auth=MANAGERS,
                fields=(PROJECT_ID,),
                errors=READ,
            ),
            Operation(
                "POST",
                PATH,
                "Create a webhook endpoint; its secret is shown only here",
                self.create,
                EndpointSecret,
                auth=MANAGERS,
                least=Role.ADMIN,
                status=201,
                request=NewEndpoint,
                fields=(IDEMPOTENCY_KEY, PROJECT_ID),
                creates=True,
                errors=(*CREATE, WebhooksNotConfiguredError),
            ),
            *self._operations_on_one(),
            *self._orders(),
        )

    def _operations_on_one(self) -> tuple[Operation, ...]:
        return (
            Operation(
                "GET",
                ONE,
                "Show a webhook endpoint",
                self.show,
                EndpointView,
                auth=MANAGERS,
                fields=(PROJECT_ID,),
                errors=READ,
            ),
            Operation(
                "PATCH",
                ONE,
                "Change a webhook endpoint, or enable it again",
                self.change,
                EndpointView,
                auth=MANAGERS,
                least=Role.ADMIN,
                request=EndpointChange,
                fields=(IF_MATCH, PROJECT_ID),
                errors=CHANGE,
            ),
            Operation(
                "DELETE",
                ONE,
                "Delete a webhook endpoint; what is on its way there is given up",
                self.delete,
                None,
                auth=MANAGERS,
                least=Role.ADMIN,
                fields=(IF_MATCH, PROJECT_ID),
                errors=CHANGE,
            ),
        )

    def _orders(self) -> tuple[Operation, ...]:
        return (
            Operation(
                "POST",
                ONE + "/rotate",
                "Give a webhook endpoint a new secret; the old one signs as well for a while",
                self.rotate,
                EndpointSecret,
                auth=MANAGERS,
                least=Role.ADMIN,
                request=SecretRotation,
                body_optional=True,
                fields=(IDEMPOTENCY_KEY, IF_MATCH, PROJECT_ID),
                creates=True,
                errors=(*REPLACE, WebhooksNotConfiguredError),
            ),
            Operation(
                "POST",
                ONE + "/test",
                "Send a webhook endpoint a message to try it",
                self.test,
                Queued,
                auth=MANAGERS,
                least=Role.ADMIN,
                status=202,
                request=NoFields,
                body_optional=True,
                fields=(IDEMPOTENCY_KEY, PROJECT_ID),
                creates=True,
                errors=CREATE,
            ),
            Operation(
                "POST",
                ONE + "/replay",
                "Send a webhook endpoint messages again, or what it missed",
                self.replay,
                Replayed,
                auth=MANAGERS,
                least=Role.ADMIN,
                status=202,
                request=Replay,
                body_optional=True,
                fields=(IDEMPOTENCY_KEY, PROJECT_ID),
                creates=True,
                errors=CREATE,
            ),
        )

    async def show_all(self, call: Call) -> Answer:
        """List every endpoint."""
        async with self._directory.read() as reading:
            found = await webhook_endpoints.of_project(reading.connection, call.known.project.id)
        return Answer(EndpointList(endpoints=[endpoint_view(each) for each in found]))

    async def show(self, call: Call) -> Answer:
        """Show one endpoint."""
        async with self._directory.read() as reading:
            return shown(await _find(reading, call))

    async def create(self, call: Call) -> Answer:
        """Create an endpoint."""
        asked: NewEndpoint = call.body
        self._check(asked.url)
        writer, project = call.writing.writer, call.known.project.id
        if len(await webhook_endpoints.of_project(writer.connection, project)) >= MOST:
            raise ConflictError(f"A project may have {MOST} webhook endpoints.")
        blank = Endpoint(
            id=keys.mint_id("whe"),
            project_id=project,
            url=asked.url,
            secret=b"",
            created_at=writer.now,
            description=asked.description,
            types=once_each(asked.types),
        )
        endpoint, secret = self._with_secret(blank, None)
        await webhook_endpoints.add(writer, endpoint)
        return made(endpoint, secret)

    async def change(self, call: Call) -> Answer:
        """Change what was sent of an endpoint."""
        asked: EndpointChange = call.body
        if asked.url is not UNSET:
            self._check(asked.url)
        async with self._directory.write(call.actor) as writing:
            found = await _find(writing, call)
            check_match(call, endpoint_view(found))
            changed = changed_endpoint(found, asked)
            if changed != found:
                await webhook_endpoints.change(writing.writer, changed)
        return shown(changed)

    async def delete(self, call: Call) -> Answer:
        """Delete an endpoint."""
        async with self._directory.write(call.actor) as writing:
            found = await _find(writing, call)
            check_match(call, endpoint_view(found))
            await webhook_endpoints.delete(writing.writer, found)
        return Answer(None)

    async def rotate(self, call: Call) -> Answer:
        """Give an endpoint a new secret."""
        asked: SecretRotation = call.body
        found = await _find(call.writing, call)
        check_match(call, endpoint_view(found))
        grace = asked.grace_seconds
        until = call.writing.writer.now + grace if grace else None
        endpoint, secret = self._with_secret(found, until)
        await webhook_endpoints.change(call.writing.writer, endpoint, "webhook_endpoint.rotate")
        return made(endpoint, secret)

    async def test(self, call: Call) -> Answer:
        """Send an endpoint a message that tells of nothing."""
        found = await _enabled(call.writing, call)
        message_id = await messages.test(call.writing.writer, found.project_id, found.id)
        await webhook_endpoints.pause(call.writing.writer, found.id, None)
        return Answer(Queued(success=True, message_id=message_id))

    async def replay(self, call: Call) -> Answer:
        """Send an endpoint messages again."""
        asked: Replay = call.body
        found, writer = await _enabled(call.writing, call), call.writing.writer
        if asked.message_ids is not None and (asked.since or asked.until):
            raise invalid([Fault("/messageIds", "Expected these, or a time, and not both.")])
        if asked.message_ids is not None:
            count = await dispatches.replay(writer, found, asked.message_ids)
        else:
            since = 0.0 if asked.since is None else asked.since.timestamp()
            until = None if asked.until is None else asked.until.timestamp()
            count = await dispatches.replay_missed(writer, found, since, until)
        await webhook_endpoints.pause(writer, found.id, None)
        await writer.audit(
            "webhook_endpoint.replay", found.id, {"messages": count}, project=found.project_id
        )
        return Answer(Replayed(success=True, replayed=count))

    def _check(self, url: str) -> None:
        allowed = addresses.networks(self._gateway.settings.webhook_networks)
        try:
            addresses.place_of(url, allowed)
        except addresses.ForbiddenPlaceError as exc:
            raise invalid([Fault("/url", str(exc))]) from exc

    def _with_secret(self, endpoint: Endpoint, until: float | None) -> tuple[Endpoint, str]:
        """Return an endpoint with a new secret, and that; the old one signs `until` then."""
        if not self._gateway.settings.encryption_keys:
            raise WebhooksNotConfiguredError
        # Brings cryptography, which a worker without webhooks does without.
        from dream_gateway.notices import signing  # noqa: PLC0415
        from dream_gateway.vault import Vault  # noqa: PLC0415

        secret = signing.mint()
        vault = Vault(self._gateway.settings.encryption_keys)
        return signing.rotated(vault, endpoint, secret, until), secret


async def _find(reading: Reading, call: Call) -> Endpoint:
    project = call.known.project.id
    found = await webhook_endpoints.by_id(reading.connection, project, call.parameters["id"])
    if found is None:
        raise NotFoundError("There is no such webhook endpoint.")
    return found


async def _enabled(reading: Reading, call: Call) -> Endpoint:
    found = await _find(reading, call)
    if found.status is EndpointStatus.DISABLED:
        raise ConflictError("The webhook endpoint is disabled: enable it first.")
    return found
