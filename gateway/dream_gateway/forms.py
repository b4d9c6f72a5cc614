"""What a browser posts from a form: `application/x-www-form-urlencoded`, read within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from dream_gateway.errors import BadRequestError, BodyTooLargeError

if TYPE_CHECKING:
    from starlette.requests import Request

FORM = "application/x-www-form-urlencoded"


async def read_form(request: Request, *, longest: int, most: int) -> list[tuple[str, str]]:
    """Return the pairs of a form, in their order; a body of `longest` bytes, `most` fields.

    Raises `BadRequestError` for what is no form, and `BodyTooLargeError`.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise BadRequestError("A form is expected here.")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > longest:
            raise BodyTooLargeError(f"The body may have {longest} bytes.")
    try:
        return parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=most, errors="strict"
        )
    except ValueError as exc:
        raise BadRequestError("The form cannot be read.") from exc
