-- What the change feed asks of the records' table `changes`.

-- name: data_version
-- A number that differs whenever another connection has committed.
PRAGMA data_version;

-- name: exists
SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'changes';

-- name: ends
-- The oldest and the newest change; NULL in an empty table.
SELECT min(seq), max(seq) FROM changes;

-- name: after
-- The changes past a position, oldest first, a bounded number of them.
SELECT seq, subject, ref FROM changes WHERE seq > ? ORDER BY seq LIMIT ?;

-- name: prune
-- Forget old changes, but never the newest: it tells where the sequence stands.
DELETE FROM changes WHERE at < ? AND seq < (SELECT max(seq) FROM changes);
