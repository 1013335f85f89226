-- Events for others that are no order's and no return's: of stock, and of feeds.

-- Tells of positions that were touched, some at a time: what each has now, once, if that is not what was told last; and that so few of it are
-- left, when that begins. How many touches were dealt with. One at a time: of two, the slower could tell what is old by then.
CREATE OR REPLACE FUNCTION tell_stock(most bigint, low_units bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    dealt_with bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(20254) THEN
        RETURN 0;
    END IF;
    WITH gone AS (
        DELETE FROM stock_touched t WHERE t.ctid = ANY (ARRAY (SELECT u.ctid FROM stock_touched u LIMIT most))
        RETURNING t.facility_id, t.sku
    ), changed AS (
        SELECT s.facility_id, s.sku, s.on_hand, s.reserved, s.unavailable, s.safety_stock, s.available, coalesce(t.sequence, 0) AS told,
            s.available <= low_units AND coalesce(t.available > low_units, false) AS is_low_now
        FROM (SELECT DISTINCT facility_id, sku FROM gone) AS g
        JOIN stock s ON s.facility_id = g.facility_id AND s.sku = g.sku
        LEFT JOIN stock_told t ON t.facility_id = g.facility_id AND t.sku = g.sku
        WHERE (s.on_hand, s.reserved, s.unavailable, s.safety_stock, s.available)
            IS DISTINCT FROM (t.on_hand, t.reserved, t.unavailable, t.safety_stock, t.available)
    ), kept AS (
        INSERT INTO stock_told AS t (facility_id, sku, sequence, on_hand, reserved, unavailable, safety_stock, available)
        SELECT c.facility_id, c.sku, c.told + 1 + c.is_low_now::integer, c.on_hand, c.reserved, c.unavailable, c.safety_stock, c.available
        FROM changed c
        ON CONFLICT (facility_id, sku) DO UPDATE SET sequence = excluded.sequence, on_hand = excluded.on_hand, reserved = excluded.reserved,
            unavailable = excluded.unavailable, safety_stock = excluded.safety_stock, available = excluded.available
    ), said AS (
        SELECT c.facility_id, c.sku, c.told + 1 AS sequence, 'stock.changed' AS kind, jsonb_build_object('on_hand', c.on_hand,
            'reserved', c.reserved, 'unavailable', c.unavailable, 'safety_stock', c.safety_stock, 'available', c.available) AS data
        FROM changed c
        UNION ALL
        SELECT c.facility_id, c.sku, c.told + 2, 'stock.low', jsonb_build_object('available', c.available, 'low_units', low_units)
        FROM changed c WHERE c.is_low_now
    ), written AS (
        INSERT INTO order_events (order_id, subject, seq, sequence, id, kind, at, data)
        SELECT '', subject, s.sequence, s.sequence, md5(concat_ws('/', subject, s.sequence, s.kind, s.data))::uuid, s.kind, now(), s.data
        FROM said s, concat_ws('/', 'stock', s.facility_id, s.sku) AS subject ORDER BY s.facility_id, s.sku, s.sequence
    )
    SELECT count(*) INTO dealt_with FROM gone;
    RETURN dealt_with;
END $$;

-- See read_outbox().
ALTER FUNCTION tell_stock(bigint, bigint) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION tell_stock(bigint, bigint) SET enable_seqscan = on;

-- Tells of a feed run that has ended or was parked, in the transaction in which it did.
CREATE OR REPLACE FUNCTION tell_feed(run feeds) RETURNS void LANGUAGE sql AS $$
    INSERT INTO order_events (order_id, subject, seq, sequence, id, kind, at, data)
    SELECT '', subject, number, number, md5(concat_ws('/', subject, number, run.status))::uuid,
        CASE WHEN run.status = 'parked' THEN 'feed.parked' ELSE 'feed.finished' END, now(),
        jsonb_build_object('feed_id', run.feed_id, 'feed_kind', run.kind, 'feed_status', run.status, 'accepted', run.accepted,
            'unchanged', run.unchanged, 'rejected', run.rejected)
    -- It is parked once, and ends once.
    FROM concat_ws('/', 'feed', run.feed_id) AS subject, greatest(1, CASE WHEN run.status <> 'parked' AND run.parked IS NOT NULL THEN 2 END) AS number;
$$;
