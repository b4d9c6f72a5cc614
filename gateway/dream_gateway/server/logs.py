"""How a worker logs: lines on standard error, with no secret in any of them."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from dream_gateway.redaction import redacted

if TYPE_CHECKING:
    from dream_gateway.settings import Settings

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class RedactingFormatter(logging.Formatter):
    """Blots secrets out of whole lines: of what libraries log, and of tracebacks, too."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return redacted(super().format(record))


def configure_logging(settings: Settings) -> None:
    """Log from the level that is set on. Called once in a process, before anything is logged."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(FORMAT))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
    # Its own news (started, shutting down) is the supervisor's to tell.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # It tells every URL it asks, and a webhook's may have a secret in it.
    logging.getLogger("httpx").setLevel(logging.WARNING)
