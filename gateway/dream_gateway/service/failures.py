"""What operations of one kind can fail with, beside what comes with their parts."""

from __future__ import annotations

from dream_gateway.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    IdempotencyMismatchError,
    InvalidRequestError,
    NotFoundError,
    PlatformSuspendedError,
    PreconditionFailedError,
    StoreUnavailableError,
)

READ = (
    BadRequestError,
    ForbiddenError,
    PlatformSuspendedError,
    NotFoundError,
    InvalidRequestError,
    StoreUnavailableError,
)
CREATE = (*READ, ConflictError, IdempotencyMismatchError)
CHANGE = (*READ, ConflictError, PreconditionFailedError)
REPLACE = (*CREATE, PreconditionFailedError)
