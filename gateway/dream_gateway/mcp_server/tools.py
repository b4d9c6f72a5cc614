"""What an assistant may do: the functions' names, types and docstrings are what it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from mcp.types import ToolAnnotations
from pydantic import Field

from dream_gateway.mcp_server.answers import told

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from dream_gateway.client import AsyncDreamAPI

    Tool = Callable[..., Awaitable[dict[str, Any]]]

READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
ADDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)
CHANGES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)

UserId = Annotated[str, Field(description="The customer's id in your API (externalId).")]
CustomerId = Annotated[str, Field(description="The gateway's id of the customer (cus_...).")]
Limit = Annotated[int, Field(ge=1, le=100, description="How many to list.")]
Cursor = Annotated[str | None, Field(description="The nextCursor of the page before.")]


class ReadingTools:
    """Tools that change nothing, and charge nothing."""

    def __init__(self, api: AsyncDreamAPI) -> None:
        self._api = api

    def all(self) -> Mapping[Tool, ToolAnnotations]:
        """Return the tools and what is said of their effects."""
        reading = (
            self.get_project,
            self.get_usage,
            self.list_customers,
            self.get_customer,
            self.list_keys,
            self.list_tiers,
        )
        return dict.fromkeys(reading, READS)

    async def get_project(self) -> dict[str, Any]:
        """Show the project of the secret key: name, mode, and how it does."""
        return await told(self._api.dashboard.get_totals())

    async def get_usage(self, user_id: UserId) -> dict[str, Any]:
        """Show what a customer used in this period, their limit, and what remains.

        Usage goes by your own id of the customer (externalId), which list_customers shows, and not
        by the gateway's (cus_...).
        """
        return await told(self._api.usage.check(user_id=user_id))

    async def list_customers(
        self,
        limit: Limit = 20,
        cursor: Cursor = None,
        external_id: Annotated[str | None, Field(description="Find only this user.")] = None,
    ) -> dict[str, Any]:
        """List customers, oldest first, with their plans and ids."""
        return await told(
            self._api.customers.list(limit=limit, cursor=cursor, external_id=external_id)
        )

    async def get_customer(self, customer_id: CustomerId) -> dict[str, Any]:
        """Show one customer, with plan and subscription."""
        return await told(self._api.customers.get(customer_id))

    async def list_keys(
        self, customer_id: CustomerId, limit: Limit = 20, cursor: Cursor = None
    ) -> dict[str, Any]:
        """List a customer's keys, without their secrets."""
        return await told(self._api.keys.list(customer_id, limit=limit, cursor=cursor))

    async def list_tiers(self) -> dict[str, Any]:
        """List the project's tiers: limits, rates and prices (in the currency's minor unit)."""
        return await told(self._api.tiers.list())


class WritingTools:
    """Tools that change something; there only if whoever starts the server allows it."""

    def __init__(self, api: AsyncDreamAPI) -> None:
        self._api = api

    def all(self) -> Mapping[Tool, ToolAnnotations]:
        """Return the tools and what is said of their effects."""
        return {self.create_key: ADDS, self.change_plan: CHANGES}

    async def create_key(
        self,
        customer_id: CustomerId,
        name: Annotated[str | None, Field(description="What the key is called.")] = None,
        scopes: Annotated[list[str] | None, Field(description="What it may do.")] = None,
        expires_at: Annotated[str | None, Field(description="ISO 8601, UTC.")] = None,
    ) -> dict[str, Any]:
        """Create a key for a customer. Its secret is in this answer, and is never shown again."""
        return await told(
            self._api.keys.create(customer_id, name=name, scopes=scopes, expires_at=expires_at)
        )

    async def change_plan(
        self,
        customer_id: CustomerId,
        plan: Annotated[str, Field(description="The name of a tier of the project.")],
    ) -> dict[str, Any]:
        """Put a customer on another tier at once; usage is carried over."""
        return await told(self._api.customers.update(customer_id, plan=plan))
