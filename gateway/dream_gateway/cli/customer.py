"""`dream-gateway customer`: the customers of a project."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import click

from dream_gateway.administration import open_administration
from dream_gateway.cli.rendering import customer_row
from dream_gateway.cli.session import Session, check_value, with_session
from dream_gateway.service.values import UserId

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., None]")
COLUMNS = ("id", "customerId", "plan", "suspended", "createdAt")


def one_customer(command: F) -> F:
    """Give a command the options that name one customer: `project` and `name`."""
    project = click.option("--project", required=True, metavar="PROJECT", help="The project's id.")
    name = click.option(
        "--id", "name", required=True, help="The customer's id, as your API has it."
    )
    return project(name(command))


@click.group("customer")
def command() -> None:
    """Create, list, suspend and resume customers of a project."""


@command.command("create")
@one_customer
@click.option("--plan", help="The customer's tier; without it the project's default.")
@with_session()
def create(session: Session, *, project: str, name: str, plan: str | None) -> None:
    """Create a customer."""
    check_value("--id", name, UserId)

    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            customer = await admin.create_customer(project, name, plan)
        session.show(customer_row(customer))

    asyncio.run(run())


@command.command("list")
@click.option("--project", required=True, metavar="PROJECT", help="The project's id.")
@with_session()
def show(session: Session, *, project: str) -> None:
    """List a project's customers."""

    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            rows = [customer_row(customer) for customer in await admin.customers(project)]
        session.show_list(rows, COLUMNS)

    asyncio.run(run())


@command.command("suspend")
@one_customer
@with_session()
def suspend(session: Session, *, project: str, name: str) -> None:
    """Refuse a customer everywhere; running workers do within a second."""
    _set_suspended(session, project, name, suspended=True)


@command.command("resume")
@one_customer
@with_session()
def resume(session: Session, *, project: str, name: str) -> None:
    """Let a suspended customer in again."""
    _set_suspended(session, project, name, suspended=False)


def _set_suspended(session: Session, project: str, name: str, *, suspended: bool) -> None:
    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            customer = await admin.suspend_customer(project, name, suspended=suspended)
        session.show(customer_row(customer))

    asyncio.run(run())
