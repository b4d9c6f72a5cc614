"""Accounts that developers create for their users, by `POST /api/customers`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.errors import InvalidRequestError
from dream_gateway.hookspecs import Identified
from dream_gateway_local.accounts import NewAccount
from dream_gateway_local.faults import FormError
from dream_gateway_local.realm import USERS, of_project

if TYPE_CHECKING:
    from collections.abc import Callable

    from dream_gateway.hookspecs import NewUser
    from dream_gateway_local.accounts import Account
    from dream_gateway_local.composition import Parts


class LocalUsers:
    """A `UserAdministration` over the plugin's own accounts."""

    def __init__(self, parts: Callable[[], Parts]) -> None:
        self._parts = parts

    async def create(self, user: NewUser) -> Identified:
        """Create a user, whose address the developer vouches for."""
        parts = self._parts()
        project = await parts.lent.project(user.tenant)
        new = NewAccount(
            realm=project.id,
            email=user.email,
            password=user.password,
            first_name=user.first_name,
            last_name=user.last_name,
            email_verified=True,
        )
        try:
            account = await parts.provider.create(new)
        except FormError as fault:
            error = {"pointer": "/password", "detail": fault.text}
            raise InvalidRequestError("One value is wrong.", extra={"errors": [error]}) from fault
        return self._identified(account, user.tenant)

    async def find(self, email: str, tenant: str = "") -> Identified | None:
        """Return the user of a project who has this address; of no project there is nobody."""
        if not tenant:
            return None
        project = await self._parts().lent.project(tenant)
        account = await self._parts().provider.find(project.id, email)
        return None if account is None else self._identified(account, tenant)

    async def invite(self, email: str, tenant: str) -> None:
        """Send somebody a link to choose a password. Raises `ConflictError` for one who is there."""
        project = await self._parts().lent.project(tenant)
        realm = of_project(project, tenant, sign_up=True)
        await self._parts().provider.invite(realm, email)

    async def delete(self, subject: str) -> None:
        """Delete a user; nobody is there to delete the second time."""
        await self._parts().provider.delete(subject)

    def _identified(self, account: Account, tenant: str) -> Identified:
        return Identified(
            issuer=self._parts().issuers[USERS],
            subject=account.id,
            email=account.email,
            email_verified=account.email_verified,
            tenant=tenant,
            first_name=account.first_name,
            last_name=account.last_name,
        )
