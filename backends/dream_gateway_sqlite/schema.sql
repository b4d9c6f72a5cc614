-- The ledger's own tables. Those of the records live in the same file under other names.

-- name: version
-- One row: who this ledger is, and the version of the tables below.
CREATE TABLE IF NOT EXISTS ledger_identity (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    name TEXT NOT NULL,
    version INTEGER NOT NULL
);

-- name: counters
-- Quotas: settled units and units out on lease. `period_end` is NULL for a lifetime.
CREATE TABLE IF NOT EXISTS ledger_counters (
    key TEXT PRIMARY KEY,
    used INTEGER NOT NULL,
    out INTEGER NOT NULL,
    period_end INTEGER
) WITHOUT ROWID;

-- name: counters_by_end
-- Finds history; units change without touching it.
CREATE INDEX IF NOT EXISTS ledger_counters_by_end ON ledger_counters (period_end)
WHERE period_end IS NOT NULL;

-- name: buckets
-- Rates: the GCRA state, with the rule that was last applied, which settling a lease needs.
CREATE TABLE IF NOT EXISTS ledger_buckets (
    key TEXT PRIMARY KEY,
    tat_us INTEGER NOT NULL,
    out INTEGER NOT NULL,
    surplus INTEGER NOT NULL,
    rate_limit INTEGER NOT NULL,
    rate_period_us INTEGER NOT NULL,
    rate_burst INTEGER NOT NULL
) WITHOUT ROWID;

-- name: leases
-- Every lease by id. `kind`: 0 a quota's, 1 a rate's, 2 closed before it was ever seen.
-- `closed_us` is NULL while it is open. Times are the ledger's clock in microseconds.
CREATE TABLE IF NOT EXISTS ledger_leases (
    id TEXT PRIMARY KEY,
    counter TEXT NOT NULL,
    kind INTEGER NOT NULL,
    granted INTEGER NOT NULL,
    opened_us INTEGER NOT NULL,
    closed_us INTEGER
) WITHOUT ROWID;

-- name: leases_by_close
-- Finds closed leases that may be forgotten.
CREATE INDEX IF NOT EXISTS ledger_leases_by_close ON ledger_leases (closed_us)
WHERE closed_us IS NOT NULL;

-- name: rate_leases
-- Finds a bucket's open leases that are old enough to count as spent.
CREATE INDEX IF NOT EXISTS ledger_rate_leases ON ledger_leases (counter, opened_us)
WHERE kind = 1 AND closed_us IS NULL;

-- name: events
-- Events and voids by idempotency key. `voids` names the event that a void takes from.
-- `charges` and `tallies` are JSON: the counters charged, and the answer that a repeat gets.
CREATE TABLE IF NOT EXISTS ledger_events (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    subject TEXT NOT NULL,
    voids TEXT,
    cost INTEGER NOT NULL,
    voided INTEGER NOT NULL,
    at REAL NOT NULL,
    charges TEXT NOT NULL,
    tallies TEXT NOT NULL,
    PRIMARY KEY (scope, key)
) WITHOUT ROWID;

-- name: events_by_id
-- Finds the event that a void names.
CREATE INDEX IF NOT EXISTS ledger_events_by_id ON ledger_events (scope, id);

-- name: events_by_time
-- Finds history.
CREATE INDEX IF NOT EXISTS ledger_events_by_time ON ledger_events (at);
