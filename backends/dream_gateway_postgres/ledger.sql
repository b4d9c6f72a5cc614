-- Every statement of the ledger; the code finds each by its name.

-- name: begin
-- Opens a transaction that writes. A node that vanishes in the middle must not hold its locks for
-- long. Every table is asked by its keys: a plan made while it was small must not scan it later.
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL lock_timeout = '4s';
SET LOCAL idle_in_transaction_session_timeout = '10s';
SET LOCAL enable_seqscan = off;

-- name: begin_reading
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL enable_seqscan = off;

-- name: lock
-- Locks stripes in ascending order. The numbers are put in by the code, which made them.
SELECT pg_advisory_xact_lock({space}, stripe) FROM unnest('{{{stripes}}}'::integer[]) AS stripe;

-- name: created
-- Whether the ledger has been created here, in the first schema of the search path that has it.
SELECT to_regclass('ledger_identity') IS NOT NULL;

-- name: found
-- Name this ledger, once.
INSERT INTO ledger_identity (one, name, version) VALUES (1, $1, $2) ON CONFLICT DO NOTHING;

-- name: identity
SELECT name, version FROM ledger_identity;

-- name: settings
SELECT current_setting('synchronous_commit'), current_setting('fsync');

-- name: read
-- The clock ($1, or the server's), and every row that a group of operations needs: quotas ($2),
-- rates ($3) with their open leases that are as old as $5, and leases ($4).
WITH clock AS MATERIALIZED (
    SELECT coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) AS now_us
)
SELECT
    now_us,
    ARRAY(
        SELECT ROW(key, used, out, period_end) FROM ledger_counters WHERE key = ANY($2::text[])
    ) AS counters,
    ARRAY(
        SELECT ROW(key, tat_us, out, surplus, rate_limit, rate_period_us, rate_burst)
        FROM ledger_buckets WHERE key = ANY($3::text[])
    ) AS buckets,
    ARRAY(
        SELECT ROW(id, counter, kind, granted, opened_us, closed_us)
        FROM ledger_leases WHERE id = ANY($4::text[])
    ) AS leases,
    ARRAY(
        SELECT ROW(id, counter, kind, granted, opened_us, closed_us)
        FROM ledger_leases
        WHERE kind = 1 AND closed_us IS NULL
            AND counter = ANY($3::text[]) AND opened_us <= now_us - $5::bigint
        ORDER BY opened_us
    ) AS overdue
FROM clock;

-- name: events
-- Events by key ($1 scopes, $2 keys), and those that voids name ($3 scopes, $4 ids; a void is none).
SELECT e.scope, e.key, e.id, e.fingerprint, e.subject, e.voids, e.cost, e.voided, e.at,
    e.charges, e.tallies
FROM unnest($1::text[], $2::text[]) AS wanted (scope, key)
JOIN ledger_events AS e ON e.scope = wanted.scope AND e.key = wanted.key
UNION ALL
SELECT e.scope, e.key, e.id, e.fingerprint, e.subject, e.voids, e.cost, e.voided, e.at,
    e.charges, e.tallies
FROM unnest($3::text[], $4::text[]) AS wanted (scope, id)
JOIN ledger_events AS e ON e.scope = wanted.scope AND e.id = wanted.id AND e.voids IS NULL;

-- name: write
-- Closes leases ($1 at $2); adds leases ($3 to $8) and quotas ($9 to $12); changes quotas ($13 to
-- $16); stores rates ($17 to $23).
WITH closed AS (
    UPDATE ledger_leases SET closed_us = $2::bigint WHERE id = ANY($1::text[])
), opened AS (
    INSERT INTO ledger_leases (id, counter, kind, granted, opened_us, closed_us)
    SELECT * FROM unnest(
        $3::text[], $4::text[], $5::smallint[], $6::bigint[], $7::bigint[], $8::bigint[]
    )
), created AS (
    INSERT INTO ledger_counters (key, used, out, period_end)
    SELECT * FROM unnest($9::text[], $10::bigint[], $11::bigint[], $12::bigint[])
), changed AS (
    UPDATE ledger_counters AS c SET used = n.used, out = n.out, period_end = n.period_end
    FROM unnest($13::text[], $14::bigint[], $15::bigint[], $16::bigint[])
        AS n (key, used, out, period_end)
    WHERE c.key = n.key
)
INSERT INTO ledger_buckets
    (key, tat_us, out, surplus, rate_limit, rate_period_us, rate_burst)
SELECT * FROM unnest(
    $17::text[], $18::bigint[], $19::bigint[], $20::bigint[],
    $21::bigint[], $22::bigint[], $23::bigint[]
)
ON CONFLICT (key) DO UPDATE SET
    tat_us = excluded.tat_us, out = excluded.out, surplus = excluded.surplus,
    rate_limit = excluded.rate_limit, rate_period_us = excluded.rate_period_us,
    rate_burst = excluded.rate_burst;

-- name: write_events
-- Adds events ($1 to $11), and notes what voids took from others ($12 to $14).
WITH voided AS (
    UPDATE ledger_events AS e SET voided = n.voided
    FROM unnest($12::text[], $13::text[], $14::bigint[]) AS n (scope, key, voided)
    WHERE e.scope = n.scope AND e.key = n.key
)
INSERT INTO ledger_events
    (scope, key, id, fingerprint, subject, voids, cost, voided, at, charges, tallies)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
    $8::bigint[], $9::double precision[], $10::json[], $11::json[]
);

-- name: overdue_buckets
-- Buckets with open leases that count as spent (opened at $1 or before), a bounded number of them.
SELECT DISTINCT counter FROM ledger_leases
WHERE kind = 1 AND closed_us IS NULL AND opened_us <= $1 LIMIT $2;

-- name: future_buckets
-- Buckets with open leases from the future: the server's clock was set back after $1.
SELECT DISTINCT counter FROM ledger_leases
WHERE kind = 1 AND closed_us IS NULL AND opened_us > $1 LIMIT $2;

-- name: restamp_open
-- Leases from the future begin their time anew, in buckets that are locked ($2).
UPDATE ledger_leases SET opened_us = $1
WHERE kind = 1 AND closed_us IS NULL AND opened_us > $1 AND counter = ANY($2::text[]);

-- name: restamp_closed
-- Closed leases from the future begin their hour anew, a bounded number of them.
UPDATE ledger_leases SET closed_us = $1 WHERE id IN (
    SELECT id FROM ledger_leases WHERE closed_us > $1 LIMIT $2 FOR UPDATE SKIP LOCKED
);

-- name: ended_counters
-- Quotas of periods that are over, with nothing on lease.
SELECT key FROM ledger_counters WHERE period_end < $1 AND out = 0 LIMIT $2;

-- name: prune_counters
-- Those of them ($2) that still are.
DELETE FROM ledger_counters WHERE period_end < $1 AND out = 0 AND key = ANY($2::text[]);

-- name: old_events
SELECT scope, key FROM ledger_events WHERE at < $1 LIMIT $2;

-- name: prune_events
DELETE FROM ledger_events AS e USING unnest($1::text[], $2::text[]) AS n (scope, key)
WHERE e.scope = n.scope AND e.key = n.key;

-- name: prune_leases
-- Closed leases never change again, so that they need no stripe.
DELETE FROM ledger_leases WHERE id IN (
    SELECT id FROM ledger_leases WHERE closed_us < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
);
