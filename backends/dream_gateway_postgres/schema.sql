-- The ledger's own tables. Those of the records live in the same schema under other names.

-- name: version
-- One row: who this ledger is, and the version of the tables below.
CREATE TABLE IF NOT EXISTS ledger_identity (
    one integer PRIMARY KEY CHECK (one = 1),
    name text NOT NULL,
    version integer NOT NULL
);

-- name: counters
-- Quotas: settled units and units out on lease. `period_end` is NULL for a lifetime.
-- Room is left in each page, so that a change of units touches no index.
CREATE TABLE IF NOT EXISTS ledger_counters (
    key text COLLATE "C" PRIMARY KEY,
    used bigint NOT NULL,
    out bigint NOT NULL,
    period_end bigint
) WITH (fillfactor = 70);

-- name: counters_by_end
-- Finds history.
CREATE INDEX IF NOT EXISTS ledger_counters_by_end ON ledger_counters (period_end)
WHERE period_end IS NOT NULL;

-- name: buckets
-- Rates: the GCRA state, with the rule that was last applied, which settling a lease needs.
CREATE TABLE IF NOT EXISTS ledger_buckets (
    key text COLLATE "C" PRIMARY KEY,
    tat_us bigint NOT NULL,
    out bigint NOT NULL,
    surplus bigint NOT NULL,
    rate_limit bigint NOT NULL,
    rate_period_us bigint NOT NULL,
    rate_burst bigint NOT NULL
) WITH (fillfactor = 70);

-- name: leases
-- Every lease by id. `kind`: 0 a quota's, 1 a rate's, 2 closed before it was ever seen.
-- `closed_us` is NULL while it is open. Times are the ledger's clock in microseconds.
CREATE TABLE IF NOT EXISTS ledger_leases (
    id text COLLATE "C" PRIMARY KEY,
    counter text COLLATE "C" NOT NULL,
    kind smallint NOT NULL,
    granted bigint NOT NULL,
    opened_us bigint NOT NULL,
    closed_us bigint
);

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
-- `charges` and `tallies`: the counters charged, and the answer that a repeat gets.
CREATE TABLE IF NOT EXISTS ledger_events (
    scope text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    fingerprint text NOT NULL,
    subject text NOT NULL,
    voids text,
    cost bigint NOT NULL,
    voided bigint NOT NULL,
    at double precision NOT NULL,
    charges json NOT NULL,
    tallies json NOT NULL,
    PRIMARY KEY (scope, key)
);

-- name: events_by_id
-- Finds the event that a void names.
CREATE INDEX IF NOT EXISTS ledger_events_by_id ON ledger_events (scope, id);

-- name: events_by_time
-- Finds history.
CREATE INDEX IF NOT EXISTS ledger_events_by_time ON ledger_events (at);
