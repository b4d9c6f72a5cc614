"""What a tool tells of what the service answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver.exceptions import ToolError

from dream_gateway.client import BadAnswerError, ConnectionFailedError, DreamError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping


async def told(asked: Awaitable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the JSON that the service answers a call with.

    Raises `ToolError` with the code and the sentence of a refusal. The secret key is in neither.
    """
    try:
        return dict(await asked)
    except (ConnectionFailedError, BadAnswerError) as error:
        raise ToolError("service_unreachable: The gateway's service does not answer.") from error
    except DreamError as error:
        raise ToolError(_refusal(error)) from error
    except ValueError as error:  # an id that no path can have
        raise ToolError(f"not_found: {error}") from error


def _refusal(error: DreamError) -> str:
    faults = [
        f"{each.get('pointer', '')} {each.get('detail', '')}"
        for each in error.problem.get("errors", ())
    ]
    return "; ".join([f"{error.code}: {error.message}", *faults])
