-- What the change feed asks of the records' table `changes`.

-- name: exists
SELECT to_regclass('changes') IS NOT NULL;

-- name: ends
-- The oldest and the newest change; NULL in an empty table.
SELECT min(seq) AS oldest, max(seq) AS newest FROM changes;

-- name: after
-- The changes past a position, oldest first, a bounded number of them.
SELECT seq, subject, ref FROM changes WHERE seq > $1 ORDER BY seq LIMIT $2;

-- name: prune
-- Forget old changes, but never the newest: it tells where the sequence stands.
DELETE FROM changes WHERE at < $1 AND seq < (SELECT max(seq) FROM changes);
