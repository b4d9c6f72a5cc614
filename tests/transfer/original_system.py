"""What the system before this one kept, made anew for tests: its tables and its KV pairs."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

SECRET_KEY = "sk_live_" + "0123456789abcdef" * 3
PUBLISHABLE_KEY = "pk_live_" + "fedcba9876543210" * 2
PERIOD_START = "2026-01-10T00:00:00Z"
PERIOD_END = "2026-02-10T00:00:00Z"
NOW = 1_768_500_000.0
"""15 January 2026, in that period."""

Table = list[dict[str, Any]]


def hashed(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def tables() -> dict[str, Table]:
    """Two tiers, a customer on each, and one who has only a count."""
    pk = PUBLISHABLE_KEY
    return {
        "platforms": [{"platformId": "plt_old", "name": "Acme", "createdAt": "2025-01-01"}],
        "api_keys": [
            {
                "publishableKey": pk,
                "platformId": "plt_old",
                "secretKeyHash": hashed(SECRET_KEY),
                "status": "active",
                "legacy": "x",
            }
        ],
        "stripe_tokens": [
            {"platformId": "plt_old", "stripeUserId": "acct_1", "accessToken": "token-to-seal"}
        ],
        "tiers": [
            {"publishableKey": pk, "name": "free", "limit": 100, "price": 0, "features": None},
            {"publishableKey": pk, "name": "pro", "limit": "unlimited", "price": 19.99,
             "features": '["a", "b"]'},
        ],
        "end_users": [
            {"publishableKey": pk, "userId": "ada", "email": "ada@example.com", "plan": "free",
             "createdAt": "2025-12-10T00:00:00Z"},
            {"publishableKey": pk, "userId": "grace", "email": "grace@example.com", "plan": None,
             "createdAt": "2025-11-01T00:00:00Z"},
        ],
        "usage_counts": [
            {"publishableKey": pk, "userId": "ada", "usageCount": 97, "plan": "free",
             "periodStart": PERIOD_START, "periodEnd": PERIOD_END},
            {"publishableKey": pk, "userId": "alan", "usageCount": 5, "plan": None,
             "periodStart": PERIOD_START, "periodEnd": PERIOD_END},
            {"publishableKey": pk, "userId": "grace", "usageCount": 7, "plan": "free",
             "periodStart": "2025-11-01T00:00:00Z", "periodEnd": "2025-12-01T00:00:00Z"},
        ],
        "subscriptions": [
            {"publishableKey": pk, "userId": "grace", "subscriptionId": "sub_1", "plan": "pro",
             "status": "active", "currentPeriodEnd": 1_770_000_000}
        ],
        "events": [{"eventId": "evt_1", "platformId": "plt_old", "type": "invoice.paid"}],
    }  # fmt: skip


@dataclass
class Original:
    """A folder for its files."""

    folder: Path
    tables: dict[str, Table] = field(default_factory=tables)

    def sqlite(self, name: str = "d1.sqlite") -> Path:
        """Write the tables as an SQLite file."""
        file = self.folder / name
        with closing(sqlite3.connect(file)) as connection:
            self._fill(connection)
        return file

    def dump(self) -> Path:
        """Write the tables as SQL."""
        file = self.folder / "d1.sql"
        with closing(sqlite3.connect(":memory:")) as connection:
            self._fill(connection)
            lines = ["PRAGMA foreign_keys=OFF;", *connection.iterdump()]
            file.write_text("\n".join(lines))
        return file

    def kv(self, pairs: dict[str, object]) -> Path:
        """Write a KV export: values are JSON in text."""
        file = self.folder / "kv.json"
        file.write_text(
            json.dumps([{"key": k, "value": json.dumps(v)} for k, v in pairs.items()], indent=1)
        )
        return file

    def _fill(self, connection: sqlite3.Connection) -> None:
        for name, rows in self.tables.items():
            columns = list(rows[0])
            quoted = ", ".join(f'"{column}"' for column in columns)
            connection.execute(f'CREATE TABLE "{name}" ({quoted})')
            marks = ", ".join("?" for _ in columns)
            values = [[row.get(column) for column in columns] for row in rows]
            connection.executemany(f'INSERT INTO "{name}" VALUES ({marks})', values)  # noqa: S608 - ours
        connection.commit()
