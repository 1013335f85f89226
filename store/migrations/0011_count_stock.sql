-- Counts, receipts and adjustments: facts about stock, each row judged by itself. A result per row: accepted, unchanged,
-- duplicate, or the code of why not.
CREATE TYPE stock_count AS (
    n bigint,
    facility_id text,
    sku text,
    on_hand bigint,
    safety_stock bigint,
    oversell_limit bigint,
    unavailable bigint
);

-- Locks positions in the order in which every writer does.
CREATE FUNCTION lock_stock(facility_ids text[], skus text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM (
        SELECT FROM stock s JOIN (SELECT DISTINCT p.facility_id, p.sku FROM unnest(facility_ids, skus) AS p (facility_id, sku)) AS p
            ON s.facility_id = p.facility_id AND s.sku = p.sku
        ORDER BY s.facility_id, s.sku FOR UPDATE OF s
    ) AS locked;
END $$;

-- Positions known to the catalogue, created and locked in order; NULL facility or product is why a row cannot be taken.
CREATE FUNCTION lock_positions(facility_ids text[], skus text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM demand_lock(skus, false);
    INSERT INTO stock (facility_id, sku)
    SELECT DISTINCT f.facility_id, p.sku FROM unnest(facility_ids, skus) AS w (facility_id, sku)
    JOIN facilities f ON f.facility_id = w.facility_id JOIN products p ON p.sku = w.sku
    WHERE NOT EXISTS (SELECT FROM stock s WHERE s.facility_id = w.facility_id AND s.sku = w.sku)
    ORDER BY f.facility_id, p.sku
    ON CONFLICT DO NOTHING;
    PERFORM lock_stock(facility_ids, skus);
END $$;

-- Safety stock and oversell limit as given, the time of the count, and whoever these set free units for.
CREATE FUNCTION set_levels(counts stock_count[], counted_at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    raised_facilities text[];
    raised_skus text[];
BEGIN
    UPDATE stock_facts x SET offered_again_at = '-infinity' FROM unnest(counts) AS c
    WHERE x.offered_again_at IS NULL AND (x.sku, x.facility_id) = (c.sku, c.facility_id) AND counted_at > x.occurred_at
        AND x.reason IN ('not_in_stock', 'mismatch', 'damaged');
    WITH changed AS (
        UPDATE stock s SET
            counted_as_of = counted_at,
            safety_stock = coalesce(c.safety_stock, s.safety_stock),
            oversell_limit = coalesce(c.oversell_limit, s.oversell_limit),
            deficit = greatest(0, least(s.reserved - s.on_hand - coalesce(c.oversell_limit, s.oversell_limit),
                s.deficit + greatest(0, s.oversell_limit - coalesce(c.oversell_limit, s.oversell_limit)))),
            raised_by = CASE WHEN before.room < coalesce(c.oversell_limit, s.oversell_limit) - coalesce(c.safety_stock, s.safety_stock)
                THEN pg_current_xact_id() ELSE s.raised_by END
        FROM unnest(counts) AS c, LATERAL (SELECT b.oversell_limit - b.safety_stock AS room FROM stock b
            WHERE b.facility_id = c.facility_id AND b.sku = c.sku) AS before
        WHERE s.facility_id = c.facility_id AND s.sku = c.sku
            AND (s.counted_as_of, s.safety_stock, s.oversell_limit) IS DISTINCT FROM
                (counted_at, coalesce(c.safety_stock, s.safety_stock), coalesce(c.oversell_limit, s.oversell_limit))
        RETURNING s.facility_id, s.sku, s.available > 0 AND s.oversell_limit - s.safety_stock > before.room AS raised
    )
    SELECT array_agg(facility_id), array_agg(sku) INTO raised_facilities, raised_skus FROM changed WHERE raised;
    PERFORM serve_waiting(raised_facilities, raised_skus);
END $$;

-- A snapshot as of a time: on hand becomes the count plus what moved since. `counts` names a position once.
CREATE FUNCTION count_stock(counts jsonb, counted_at timestamptz, source text) RETURNS TABLE (n bigint, result text) LANGUAGE plpgsql AS $$
DECLARE
    given stock_count[] := ARRAY (SELECT c FROM jsonb_populate_recordset(NULL::stock_count, counts) AS c);
    taken stock_count[];
    moves stock_move[];
BEGIN
    PERFORM lock_positions(ARRAY (SELECT c.facility_id FROM unnest(given) AS c), ARRAY (SELECT c.sku FROM unnest(given) AS c));
    taken := ARRAY (SELECT c FROM unnest(given) AS c JOIN stock s ON s.facility_id = c.facility_id AND s.sku = c.sku
        WHERE s.counted_as_of IS NULL OR s.counted_as_of <= counted_at);
    moves := ARRAY (
        SELECT ROW (d.facility_id, d.sku, d.on_hand, 0, d.unavailable, 'snapshot', NULL, source, counted_at)::stock_move
        FROM (
            SELECT c.facility_id, c.sku, coalesce(c.unavailable, s.unavailable) - s.unavailable AS unavailable,
                c.on_hand - s.on_hand + coalesce((SELECT sum(m.on_hand) FROM stock_movements m WHERE m.facility_id = s.facility_id
                    AND m.sku = s.sku AND m.on_hand <> 0 AND m.occurred_at > counted_at), 0)::bigint AS on_hand
            FROM unnest(taken) AS c JOIN stock s ON s.facility_id = c.facility_id AND s.sku = c.sku
        ) AS d
        WHERE d.on_hand <> 0 OR d.unavailable <> 0);
    RETURN QUERY
        SELECT c.n, CASE
            WHEN f.facility_id IS NULL THEN 'unknown_facility'
            WHEN p.sku IS NULL THEN 'unknown_sku'
            WHEN t.n IS NULL THEN 'stale_snapshot'
            WHEN m.sku IS NULL AND s.counted_as_of IS NOT NULL AND s.safety_stock = coalesce(c.safety_stock, s.safety_stock)
                AND s.oversell_limit = coalesce(c.oversell_limit, s.oversell_limit) THEN 'unchanged'
            ELSE 'accepted' END
        FROM unnest(given) AS c
        LEFT JOIN facilities f ON f.facility_id = c.facility_id
        LEFT JOIN products p ON p.sku = c.sku
        LEFT JOIN stock s ON s.facility_id = c.facility_id AND s.sku = c.sku
        LEFT JOIN unnest(taken) AS t ON t.n = c.n
        LEFT JOIN unnest(moves) AS m ON m.facility_id = c.facility_id AND m.sku = c.sku;
    PERFORM set_levels(taken, counted_at);
    PERFORM move_stock(moves);
END $$;

CREATE TYPE receipt_row AS (
    n bigint,
    receipt_id text,
    received_at timestamptz,
    facility_id text,
    sku text,
    quantity bigint,
    ordinal bigint
);

-- Goods received. Rows without an id are numbered among their equals, going on from earlier batches of the same feed.
CREATE FUNCTION receive_stock(receipts_in jsonb, feed uuid) RETURNS TABLE (n bigint, result text) LANGUAGE plpgsql AS $$
DECLARE
    given receipt_row[] := ARRAY (SELECT r FROM jsonb_populate_recordset(NULL::receipt_row, receipts_in) AS r);
    keyed receipt_row[];
    fresh receipts[];
    fresh_rows receipt_row[];
BEGIN
    PERFORM demand_lock(ARRAY (SELECT DISTINCT r.sku FROM unnest(given) AS r), false);
    keyed := ARRAY (
        SELECT ROW (r.n, r.receipt_id, r.received_at, r.facility_id, r.sku, r.quantity,
            row_number() OVER (PARTITION BY r.receipt_id, r.received_at, r.facility_id, r.sku ORDER BY r.n) + (
                SELECT count(*) FROM receipts x WHERE r.receipt_id IS NULL AND x.receipt_id IS NULL AND x.feed_id = feed
                    AND (x.received_at, x.facility_id, x.sku) = (r.received_at, r.facility_id, r.sku)))::receipt_row
        FROM unnest(given) AS r
        JOIN facilities f ON f.facility_id = r.facility_id JOIN products p ON p.sku = r.sku);
    WITH added AS (
        INSERT INTO receipts AS new (receipt_id, received_at, facility_id, sku, ordinal, quantity, feed_id)
        SELECT k.receipt_id, k.received_at, k.facility_id, k.sku, k.ordinal, k.quantity, feed FROM unnest(keyed) AS k ORDER BY k.n
        ON CONFLICT DO NOTHING RETURNING new
    )
    SELECT coalesce(array_agg(new), '{}') INTO fresh FROM added;
    UPDATE receipts x SET feed_id = feed FROM unnest(keyed) AS k WHERE k.receipt_id IS NULL AND x.receipt_id IS NULL
        AND x.feed_id <> feed AND x.received_at = k.received_at AND x.facility_id = k.facility_id AND x.sku = k.sku
        AND x.ordinal = k.ordinal;
    fresh_rows := ARRAY (SELECT k FROM unnest(keyed) AS k JOIN unnest(fresh) AS x ON x.ordinal = k.ordinal
        AND x.received_at = k.received_at AND x.facility_id = k.facility_id AND x.sku = k.sku
        AND x.receipt_id IS NOT DISTINCT FROM k.receipt_id);
    PERFORM move_stock(ARRAY (SELECT ROW (k.facility_id, k.sku, k.quantity, 0, 0, 'receipt', NULL, coalesce(k.receipt_id, feed::text),
        k.received_at)::stock_move FROM unnest(fresh_rows) AS k));
    RETURN QUERY
        SELECT r.n, CASE WHEN f.facility_id IS NULL THEN 'unknown_facility' WHEN p.sku IS NULL THEN 'unknown_sku'
            WHEN k.n IS NULL THEN 'unchanged' ELSE 'accepted' END
        FROM unnest(given) AS r
        LEFT JOIN facilities f ON f.facility_id = r.facility_id
        LEFT JOIN products p ON p.sku = r.sku
        LEFT JOIN unnest(fresh_rows) AS k ON k.n = r.n;
END $$;

CREATE TYPE adjustment_row AS (
    n bigint,
    adjustment_id text,
    facility_id text,
    sku text,
    quantity bigint,
    unavailable bigint,
    reason text,
    occurred_at timestamptz
);

CREATE FUNCTION adjust_stock(adjustments_in jsonb) RETURNS TABLE (n bigint, result text) LANGUAGE plpgsql AS $$
DECLARE
    given adjustment_row[] := ARRAY (SELECT a FROM jsonb_populate_recordset(NULL::adjustment_row, adjustments_in) AS a);
    fresh_ids text[];
    taken adjustment_row[];
BEGIN
    PERFORM demand_lock(ARRAY (SELECT DISTINCT a.sku FROM unnest(given) AS a), false);
    taken := ARRAY (SELECT a FROM unnest(given) AS a
        JOIN facilities f ON f.facility_id = a.facility_id JOIN products p ON p.sku = a.sku);
    WITH added AS (
        INSERT INTO adjustments AS new (adjustment_id)
        SELECT DISTINCT a.adjustment_id FROM unnest(taken) AS a WHERE a.adjustment_id IS NOT NULL ORDER BY a.adjustment_id
        ON CONFLICT DO NOTHING RETURNING new.adjustment_id
    )
    SELECT coalesce(array_agg(adjustment_id), '{}') INTO fresh_ids FROM added;
    -- Of rows with one id in one call, the first counts.
    taken := ARRAY (SELECT a FROM unnest(taken) AS a WHERE a.adjustment_id IS NULL OR (a.adjustment_id = ANY (fresh_ids)
        AND NOT EXISTS (SELECT FROM unnest(taken) AS b WHERE b.adjustment_id = a.adjustment_id AND b.n < a.n)));
    PERFORM move_stock(ARRAY (SELECT ROW (a.facility_id, a.sku, a.quantity, 0, a.unavailable, a.reason, NULL, a.adjustment_id,
        coalesce(a.occurred_at, now()))::stock_move FROM unnest(taken) AS a));
    RETURN QUERY
        SELECT a.n, CASE WHEN f.facility_id IS NULL THEN 'unknown_facility' WHEN p.sku IS NULL THEN 'unknown_sku'
            WHEN t.n IS NULL THEN 'duplicate' ELSE 'accepted' END
        FROM unnest(given) AS a
        LEFT JOIN facilities f ON f.facility_id = a.facility_id
        LEFT JOIN products p ON p.sku = a.sku
        LEFT JOIN unnest(taken) AS t ON t.n = a.n;
END $$;

-- Batches differ from one row to thousands: a plan made for few joins arrays row by row.
ALTER FUNCTION count_stock(jsonb, timestamptz, text) SET plan_cache_mode = force_custom_plan;
ALTER FUNCTION receive_stock(jsonb, uuid) SET plan_cache_mode = force_custom_plan;
ALTER FUNCTION adjust_stock(jsonb) SET plan_cache_mode = force_custom_plan;
