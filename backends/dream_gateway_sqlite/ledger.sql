-- Every statement of the ledger; the code finds each by its name.

-- name: counters_in
-- Several quotas' tallies at once; the keys are a JSON array.
SELECT key, used, out, period_end FROM ledger_counters
WHERE key IN (SELECT value FROM json_each(?));

-- name: leases_in
-- Several leases at once; the ids are a JSON array.
SELECT id, counter, kind, granted, opened_us, closed_us FROM ledger_leases
WHERE id IN (SELECT value FROM json_each(?));

-- name: found
-- Name this ledger, once.
INSERT OR IGNORE INTO ledger_identity (one, name, version) VALUES (1, ?, ?);

-- name: identity
SELECT name, version FROM ledger_identity;

-- name: counter
-- One quota's tally.
SELECT used, out, period_end FROM ledger_counters WHERE key = ?;

-- name: insert_counter
INSERT INTO ledger_counters (used, out, period_end, key) VALUES (?, ?, ?, ?);

-- name: update_counter
-- Leaves `period_end` alone, so that its index is not written.
UPDATE ledger_counters SET used = ?, out = ? WHERE key = ?;

-- name: move_counter
UPDATE ledger_counters SET period_end = ? WHERE key = ?;

-- name: bucket
-- One rate's state and rule.
SELECT tat_us, out, surplus, rate_limit, rate_period_us, rate_burst
FROM ledger_buckets WHERE key = ?;

-- name: store_bucket
INSERT OR REPLACE INTO ledger_buckets
(key, tat_us, out, surplus, rate_limit, rate_period_us, rate_burst) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: lease
SELECT counter, kind, granted, opened_us, closed_us FROM ledger_leases WHERE id = ?;

-- name: insert_lease
INSERT INTO ledger_leases (id, counter, kind, granted, opened_us, closed_us)
VALUES (?, ?, ?, ?, ?, ?);

-- name: close_lease
UPDATE ledger_leases SET closed_us = ? WHERE id = ?;

-- name: overdue
-- A bucket's open leases that count as spent: too old, or opened before this boot of the machine.
SELECT id FROM ledger_leases
WHERE kind = 1 AND closed_us IS NULL AND counter = ? AND (opened_us <= ? OR opened_us > ?)
ORDER BY opened_us;

-- name: overdue_buckets
-- Buckets with such leases, a bounded number of them.
SELECT DISTINCT counter FROM ledger_leases
WHERE kind = 1 AND closed_us IS NULL AND (opened_us <= ? OR opened_us > ?) LIMIT ?;

-- name: event
SELECT scope, key, id, fingerprint, subject, voids, cost, voided, at, charges, tallies
FROM ledger_events WHERE scope = ? AND key = ?;

-- name: event_by_id
-- The event that a void names; a void is none.
SELECT scope, key, id, fingerprint, subject, voids, cost, voided, at, charges, tallies
FROM ledger_events WHERE scope = ? AND id = ? AND voids IS NULL;

-- name: insert_event
INSERT INTO ledger_events
(scope, key, id, fingerprint, subject, voids, cost, voided, at, charges, tallies)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: void_event
UPDATE ledger_events SET voided = ? WHERE scope = ? AND key = ?;

-- name: prune_counters
-- Quotas of periods that are over, with nothing on lease.
DELETE FROM ledger_counters WHERE key IN (
    SELECT key FROM ledger_counters WHERE period_end < ? AND out = 0 LIMIT ?
);

-- name: prune_events
DELETE FROM ledger_events WHERE (scope, key) IN (
    SELECT scope, key FROM ledger_events WHERE at < ? LIMIT ?
);

-- name: restamp_leases
-- After a reboot the ledger's clock starts again: closed leases begin their hour anew.
UPDATE ledger_leases SET closed_us = ? WHERE closed_us > ?;

-- name: prune_leases
DELETE FROM ledger_leases WHERE id IN (
    SELECT id FROM ledger_leases WHERE closed_us < ? LIMIT ?
);

-- name: open_leases
-- For a copy of the file: whose leases nobody will give back.
SELECT id, counter FROM ledger_leases WHERE closed_us IS NULL ORDER BY id;

-- name: forget_buckets
-- For a copy of the file: a rate's state is in the time of the machine that it was taken on.
DELETE FROM ledger_buckets;
