"""`/api/customers`: who calls the developer's API."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import UNSET

from dream_gateway.errors import (
    ConflictError,
    GatewayError,
    IdentityUnavailableError,
    NotFoundError,
)
from dream_gateway.hookspecs import NewUser
from dream_gateway.model import Role
from dream_gateway.records import identities
from dream_gateway.service.authentication import MANAGERS
from dream_gateway.service.customer_shapes import (
    CustomerAnswer,
    CustomerChange,
    CustomerPage,
    CustomerQuery,
    CustomerView,
    NewCustomer,
)
from dream_gateway.service.directory import CustomerDraft
from dream_gateway.service.failures import CHANGE, CREATE, READ
from dream_gateway.service.fields import IDEMPOTENCY_KEY, IF_MATCH, PROJECT_ID
from dream_gateway.service.operation import Operation
from dream_gateway.service.paging import decode_cursor, encode_cursor
from dream_gateway.service.reply import Answer
from dream_gateway.service.subscription_shapes import subscription_view
from dream_gateway.service.validation import Fault, invalid
from dream_gateway.service.values import instant
from dream_gateway.service.versions import check_match, versioned

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from dream_gateway.hookspecs import Identified, UserAdministration
    from dream_gateway.model import Customer
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory, Reading

PATH = "/api/customers"


class CustomerRoutes:
    """Creates, shows, changes and deletes the customers of the caller's project."""

    def __init__(self, directory: Directory, users: Sequence[UserAdministration]) -> None:
        """Keep passwords with the first of `users`: nowhere, if there is none."""
        self._directory = directory
        self._users = users[0] if users else None

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "POST",
                PATH,
                "Create a customer",
                self.create,
                CustomerAnswer,
                auth=MANAGERS,
                least=Role.ADMIN,
                status=201,
                request=NewCustomer,
                fields=(IDEMPOTENCY_KEY, PROJECT_ID),
                creates=True,
                around=self.signed_up,
                errors=(*CREATE, IdentityUnavailableError),
            ),
            Operation(
                "GET",
                PATH,
                "List customers, oldest first",
                self.page,
                CustomerPage,
                auth=MANAGERS,
                query=CustomerQuery,
                fields=(PROJECT_ID,),
                errors=READ,
            ),
            *self._operations_on_one(),
        )

    def _operations_on_one(self) -> tuple[Operation, ...]:
        path = PATH + "/{id}"
        return (
            Operation(
                "GET",
                path,
                "Show a customer",
                self.show,
                CustomerAnswer,
                auth=MANAGERS,
                fields=(PROJECT_ID,),
                errors=READ,
            ),
            Operation(
                "PATCH",
                path,
                "Change a customer",
                self.change,
                CustomerAnswer,
                auth=MANAGERS,
                least=Role.ADMIN,
                request=CustomerChange,
                fields=(IF_MATCH, PROJECT_ID),
                errors=CHANGE,
            ),
            Operation(
                "DELETE",
                path,
                "Delete a customer; their keys stop working",
                self.delete,
                None,
                auth=MANAGERS,
                least=Role.ADMIN,
                fields=(IF_MATCH, PROJECT_ID),
                errors=CHANGE,
            ),
        )

    async def create(self, call: Call) -> Answer:
        """Create a customer."""
        asked: NewCustomer = call.body
        user: Identified | None = call.elsewhere
        if asked.plan is not None:
            await _check_plan(call.writing, call.known.project.id, asked.plan)
        draft = CustomerDraft(
            email=asked.email,
            external_id=asked.external_id or (None if user is None else user.subject),
            plan=asked.plan,
            first_name=asked.first_name,
            last_name=asked.last_name,
            metadata=asked.metadata,
        )
        customer = await call.writing.add_customer(call.known.project, draft)
        if user is not None:
            await identities.link(call.writing.writer, customer, user.issuer, user.subject)
        return await _answer(call.writing, customer)

    @asynccontextmanager
    async def signed_up(self, call: Call) -> AsyncIterator[None]:
        """Create the user of a customer who has a password; undone if there will be no customer."""
        asked: NewCustomer = call.body
        if asked.password is None:
            yield
            return
        users = self._users
        if users is None:
            detail = "No identity provider is configured that could keep a password."
            raise invalid([Fault("/password", detail)])
        user = call.elsewhere = await users.create(await self._new_user(call, asked.password))
        try:
            yield
        except BaseException:
            with suppress(GatewayError):
                await users.delete(user.subject)
            raise

    async def _new_user(self, call: Call, password: str) -> NewUser:
        """Return a user to create, for a customer who could be created as far as can be told."""
        asked: NewCustomer = call.body
        project = call.known.project.id
        async with self._directory.read() as reading:
            if asked.plan is not None:
                await _check_plan(reading, project, asked.plan)
            if asked.external_id is not None and await reading.customer_named(
                project, asked.external_id
            ):
                raise ConflictError("There is a customer of that externalId already.")
            tenant = await reading.publishable_key(project)
        return NewUser(asked.email, password, tenant or "", asked.first_name, asked.last_name)

    async def page(self, call: Call) -> Answer:
        """List a page of customers, or the one with an external id."""
        query: CustomerQuery = call.query
        project = call.known.project.id
        async with self._directory.read() as reading:
            if query.external_id is not None:
                named = await reading.customer_named(project, query.external_id)
                found = [] if named is None else [named]
            else:
                after = decode_cursor(query.cursor)
                found = await reading.customers(project, after, query.limit + 1)
            publishable = await reading.publishable_key(project)
        views = [customer_view(each, publishable) for each in found[: query.limit]]
        more = len(found) > query.limit
        cursor = encode_cursor(views[-1].id) if more else None
        return Answer(CustomerPage(data=views, next_cursor=cursor, has_more=more))

    async def show(self, call: Call) -> Answer:
        """Show one customer."""
        async with self._directory.read() as reading:
            return await _answer(reading, await _find(reading, call))

    async def change(self, call: Call) -> Answer:
        """Change what was sent of a customer."""
        asked: CustomerChange = call.body
        async with self._directory.write(call.actor) as writing:
            customer = await _find(writing, call)
            await _check_version(writing, call, customer)
            if asked.plan is not UNSET:
                await _check_plan(writing, customer.project_id, asked.plan)
            changed = _changed(customer, asked)
            if changed != customer:
                await writing.change_customer(changed)
            return await _answer(writing, changed)

    async def delete(self, call: Call) -> Answer:
        """Delete a customer."""
        async with self._directory.write(call.actor) as writing:
            customer = await _find(writing, call)
            await _check_version(writing, call, customer)
            await writing.delete_customer(customer)
        return Answer(None)


def customer_view(customer: Customer, publishable_key: str | None) -> CustomerView:
    """Return a customer as callers see it."""
    return CustomerView(
        id=customer.id,
        external_id=customer.external_id,
        email=customer.email,
        first_name=customer.first_name,
        last_name=customer.last_name,
        plan=customer.plan,
        suspended=customer.suspended,
        publishable_key=publishable_key,
        subscription=None
        if customer.subscription is None
        else subscription_view(customer.subscription),
        metadata=customer.metadata,
        created_at=instant(customer.created_at),
    )


def _changed(customer: Customer, asked: CustomerChange) -> Customer:
    # UNSET is a type of its own, which `in` cannot tell a type checker about.
    return replace(
        customer,
        email=customer.email if asked.email is UNSET else asked.email,
        first_name=customer.first_name if asked.first_name is UNSET else asked.first_name,
        last_name=customer.last_name if asked.last_name is UNSET else asked.last_name,
        plan=customer.plan if asked.plan is UNSET else asked.plan,
        metadata=customer.metadata if asked.metadata is UNSET else asked.metadata,
        suspended=customer.suspended if asked.suspended is UNSET else asked.suspended,
    )


async def _answer(reading: Reading, customer: Customer) -> Answer:
    view = customer_view(customer, await reading.publishable_key(customer.project_id))
    return Answer(CustomerAnswer(success=True, customer=view), headers=versioned(view))


async def _find(reading: Reading, call: Call) -> Customer:
    customer = await reading.customer(call.known.project.id, call.parameters["id"])
    if customer is None:
        raise NotFoundError("There is no such customer.")
    return customer


async def _check_version(reading: Reading, call: Call, customer: Customer) -> None:
    check_match(call, customer_view(customer, await reading.publishable_key(customer.project_id)))


async def _check_plan(reading: Reading, project: str, plan: str) -> None:
    if all(tier.name != plan for tier in await reading.tiers(project)):
        raise invalid([Fault("/plan", "The project has no tier of this name.")])
