"""The API's client: `DreamAPI` for whoever blocks, `AsyncDreamAPI` for whoever awaits.

```python
from dream_gateway.client import DreamAPI

api = DreamAPI(base_url="http://127.0.0.1:8787", secret_key="sk_test_...")
usage = api.usage.track(user_id="u-1", cost=3)["usage"]
```

Answers are the JSON that came, typed (`dream_gateway.client.made.shapes`).
"""

from __future__ import annotations

from dream_gateway.client.answers import etag
from dream_gateway.client.api import AsyncDreamAPI, DreamAPI
from dream_gateway.client.attempts import Retries
from dream_gateway.client.call import OMIT, Omit
from dream_gateway.client.errors import (
    AuthenticationError,
    BadAnswerError,
    ConflictError,
    ConnectionFailedError,
    DreamError,
    InvalidRequestError,
    LimitError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionFailedError,
    QuotaExceededError,
    RateLimitedError,
    ServerError,
    TimedOutError,
)
from dream_gateway.client.webhooks import WebhookVerificationError, verify_webhook

__all__ = [
    "OMIT",
    "AsyncDreamAPI",
    "AuthenticationError",
    "BadAnswerError",
    "ConflictError",
    "ConnectionFailedError",
    "DreamAPI",
    "DreamError",
    "InvalidRequestError",
    "LimitError",
    "NotFoundError",
    "Omit",
    "PermissionDeniedError",
    "PreconditionFailedError",
    "QuotaExceededError",
    "RateLimitedError",
    "Retries",
    "ServerError",
    "TimedOutError",
    "WebhookVerificationError",
    "etag",
    "verify_webhook",
]
