-- PostgreSQL only: what makes the table `changes` a feed.

-- name: in_order
-- Numbers are drawn before they commit, so a later number could be seen before an earlier one, and
-- a follower that stands behind the later one would miss it. Whoever inserts waits for the end of
-- whoever inserted before; the numbers are drawn after that. Insert last in a transaction.
CREATE FUNCTION dream_gateway_changes_in_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1685220711, 0);
    RETURN NULL;
END $$;

-- name: before_insert
CREATE TRIGGER dream_gateway_changes_in_order BEFORE INSERT ON changes
FOR EACH STATEMENT EXECUTE FUNCTION dream_gateway_changes_in_order();

-- name: told
-- Wakes the followers at commit. What changed is in the table.
CREATE FUNCTION dream_gateway_changes_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY dream_gateway_changes;
    RETURN NULL;
END $$;

-- name: after_insert
CREATE TRIGGER dream_gateway_changes_told AFTER INSERT ON changes
FOR EACH STATEMENT EXECUTE FUNCTION dream_gateway_changes_told();
