"""The service as the tools call it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
from mcp.server.mcpserver.exceptions import ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_SECONDS = 30.0


class ServiceApi:
    """Calls routes with a secret key, which is in no message and no error."""

    def __init__(self, url: str, secret_key: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {secret_key}"},
            timeout=TIMEOUT_SECONDS,
        )

    async def get(
        self,
        path: str,
        query: Mapping[str, str | int | None] | None = None,
        *,
        user: str | None = None,
    ) -> dict[str, Any]:
        """Read a route; `None` in the query is left out. Raises `ToolError` as `send` does."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        return await self.send("GET", path, query=given, user=user)

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str | int] | None = None,
        user: str | None = None,
    ) -> dict[str, Any]:
        """Call a route for the customer whom your API calls `user`; return its JSON.

        Raises `ToolError` with the code and the sentence of a refusal.
        """
        fields = {} if user is None else {"X-User-Id": user}
        try:
            answer = await self._http.request(method, path, params=query, json=body, headers=fields)
            told: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ToolError(
                "service_unreachable: The gateway's service does not answer."
            ) from error
        if answer.is_error:
            raise ToolError(_refusal(told))
        return told

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def _refusal(problem: Mapping[str, Any]) -> str:
    faults = [f"{e.get('pointer', '')} {e.get('detail', '')}" for e in problem.get("errors", ())]
    return "; ".join([f"{problem.get('code')}: {problem.get('detail')}", *faults])
