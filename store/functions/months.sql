-- The months of order_events and stock_movements: made ahead of time, dropped as a whole. All of this runs as the tables' owner, which a
-- server need not be, and gives up rather than keep others waiting for long: it is asked again.

-- The months that a table has, of those that were made here; the default one is none of them.
CREATE OR REPLACE FUNCTION months_of(parent text) RETURNS TABLE (month timestamp, part text) LANGUAGE sql STABLE AS $$
    SELECT to_date(right(c.relname, 7), 'YYYY_MM')::timestamp, c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = parent::regclass AND c.relname ~ '_[0-9]{4}_[0-9]{2}$' ORDER BY 1;
$$;

-- Makes a month of a table; what had come to the default partition before goes there. A month of which that has more than can be moved
-- at once stays where it is, for good. Whether there was one to make.
CREATE OR REPLACE FUNCTION make_month(parent text, month timestamp) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    most constant bigint := 100000;
    part text := format('%s_%s', parent, to_char(month, 'YYYY_MM'));
    begins timestamptz := month AT TIME ZONE 'UTC';
    ends timestamptz := (month + interval '1 month') AT TIME ZONE 'UTC';
    early bigint;
BEGIN
    IF to_regclass(part) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent || '_default');
    EXECUTE format('SELECT count(*) FROM (SELECT FROM %I WHERE recorded_at >= $1 AND recorded_at < $2 LIMIT $3) AS r', parent || '_default')
        INTO early USING begins, ends, most + 1;
    IF early > most THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS)', part, parent);
    IF early > 0 THEN
        EXECUTE format('WITH gone AS (DELETE FROM %I WHERE recorded_at >= $1 AND recorded_at < $2 RETURNING *) INSERT INTO %I SELECT * FROM gone',
            parent || '_default', part) USING begins, ends;
    END IF;
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, part, begins, ends);
    RETURN true;
END $$;

-- Sees that this month and some after it are there. How many were made.
CREATE OR REPLACE FUNCTION make_months(ahead bigint) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    SET lock_timeout = '2s' AS $$
DECLARE
    made bigint := 0;
BEGIN
    -- One is enough.
    IF NOT pg_try_advisory_xact_lock(20252) THEN
        RETURN 0;
    END IF;
    SELECT count(*) FILTER (WHERE make_month(t.parent, date_trunc('month', now() AT TIME ZONE 'UTC') + n * interval '1 month')) INTO made
    FROM unnest('{order_events,stock_movements}'::text[]) AS t (parent), generate_series(0, ahead) AS n;
    RETURN made;
END $$;

-- Events of a month go, but for those of orders that are not over: they are few, and stay in the default partition.
CREATE OR REPLACE FUNCTION drop_events(part text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kept text[];
BEGIN
    -- Found before anything is written or locked: readers of the outbox wait for whoever writes.
    EXECUTE format('SELECT array_agg(o.order_id) FROM orders o WHERE o.next_wait_at IS NOT NULL
        AND EXISTS (SELECT FROM %I e WHERE e.order_id = o.order_id)', part) INTO kept;
    EXECUTE format('ALTER TABLE order_events DETACH PARTITION %I', part);
    EXECUTE format('INSERT INTO order_events SELECT * FROM %I WHERE order_id = ANY ($1)', part) USING kept;
    EXECUTE format('DROP TABLE %I', part);
END $$;

-- Movements of a month go; what they came to at each position is carried into the next one, so that the ledger still adds up.
CREATE OR REPLACE FUNCTION carry_movements(part text, into_month timestamp) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- A count that is taken back may change what it had seen.
    EXECUTE format('LOCK TABLE %I IN SHARE MODE', part);
    EXECUTE format('INSERT INTO stock_movements (recorded_at, occurred_at, effective_at, movement_id, on_hand, reserved, unavailable,
            facility_id, sku, cause)
        SELECT $1, max(occurred_at), max(effective_at), max(movement_id), sum(on_hand)::bigint, sum(reserved)::bigint,
            sum(unavailable)::bigint, facility_id, sku, ''carried_forward'' FROM %I WHERE moved GROUP BY facility_id, sku', part)
        USING into_month AT TIME ZONE 'UTC';
    EXECUTE format('ALTER TABLE stock_movements DETACH PARTITION %I', part);
    EXECUTE format('DROP TABLE %I', part);
END $$;

-- Drops the oldest month of a table that ended so many months ago or longer. Null: there is none.
CREATE OR REPLACE FUNCTION drop_month(parent text, kept_months bigint) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    SET lock_timeout = '2s' AS $$
DECLARE
    oldest record;
BEGIN
    SELECT * INTO oldest FROM months_of(parent) AS m
    WHERE m.month < date_trunc('month', now() AT TIME ZONE 'UTC') - kept_months * interval '1 month' LIMIT 1;
    IF NOT FOUND OR NOT pg_try_advisory_xact_lock(20252) THEN
        RETURN NULL;
    END IF;
    IF parent = 'order_events' THEN
        PERFORM drop_events(oldest.part);
    ELSE
        PERFORM carry_movements(oldest.part, oldest.month + interval '1 month');
    END IF;
    RETURN oldest.part;
END $$;
