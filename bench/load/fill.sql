-- Each statement is split off at its semicolon; `:count` is the number of keys the store shall have.

-- One customer more for each key, like the first one but for the ids.
INSERT INTO end_users (id, project_id, external_id, plan, anchor, created_at, metadata)
WITH RECURSIVE numbers (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
SELECT 'cus_' || lower(hex(randomblob(8))), project_id, 'user-' || n, plan, anchor, created_at, metadata
FROM numbers, (SELECT * FROM end_users ORDER BY position LIMIT 1)
WHERE n <= :count;

-- A key for each of them. A stored key is a digest, so random bytes stand for keys nobody asks with.
INSERT INTO api_keys (
  id, digest, kind, project_id, customer_id, prefix, last4, name, scopes, status, allowed_ips, rate, metadata,
  created_at
)
SELECT 'key_' || lower(hex(randomblob(8))), randomblob(32), k.kind, k.project_id, u.id, k.prefix,
  '0000', k.name, k.scopes, k.status, k.allowed_ips, k.rate, k.metadata, k.created_at
FROM (SELECT * FROM end_users ORDER BY position LIMIT -1 OFFSET 1) AS u,
  (SELECT * FROM api_keys WHERE customer_id IS NOT NULL ORDER BY position LIMIT 1) AS k;
