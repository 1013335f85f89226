-- Receipts: facts about stock, each row judged by itself. A result per row: accepted, unchanged, or the code of why not.

-- The rows of a batch, those without an id numbered among their equals: through the whole file, so that two uploads of one file at once
-- number them alike.
CREATE OR REPLACE FUNCTION number_receipts(given receipt_row[], feed uuid) RETURNS receipt_row[] LANGUAGE plpgsql AS $$
DECLARE
    numbered receipt_row[];
BEGIN
    WITH seen AS (
        INSERT INTO feed_receipts AS e (feed_id, received_at, facility_id, sku, rows)
        SELECT feed, r.received_at, r.facility_id, r.sku, count(*) FROM unnest(given) AS r WHERE r.receipt_id IS NULL
        GROUP BY r.received_at, r.facility_id, r.sku
        ON CONFLICT (feed_id, received_at, facility_id, sku) DO UPDATE SET rows = e.rows + excluded.rows
        RETURNING e.received_at, e.facility_id, e.sku, e.rows
    )
    SELECT array_agg(ROW (r.n, r.receipt_id, r.received_at, r.facility_id, r.sku, r.quantity, coalesce(s.rows, r.equals) - r.equals
        + r.ordinal)::receipt_row) INTO numbered
    FROM (SELECT g.n, g.receipt_id, g.received_at, g.facility_id, g.sku, g.quantity, row_number() OVER w AS ordinal,
            count(*) OVER (PARTITION BY g.receipt_id, g.received_at, g.facility_id, g.sku) AS equals
        FROM unnest(given) AS g WINDOW w AS (PARTITION BY g.receipt_id, g.received_at, g.facility_id, g.sku ORDER BY g.n)) AS r
    LEFT JOIN seen s ON r.receipt_id IS NULL AND (s.received_at, s.facility_id, s.sku) = (r.received_at, r.facility_id, r.sku);
    RETURN coalesce(numbered, '{}');
END $$;

-- The receipt that stands under the key of a row.
CREATE OR REPLACE FUNCTION known_receipt(given receipt_row) RETURNS SETOF receipts LANGUAGE sql STABLE AS $$
    SELECT x.* FROM receipts x WHERE given.receipt_id IS NOT NULL AND x.receipt_id = given.receipt_id
    UNION ALL
    SELECT x.* FROM receipts x WHERE given.receipt_id IS NULL AND x.receipt_id IS NULL
        AND (x.received_at, x.facility_id, x.sku, x.ordinal) = (given.received_at, given.facility_id, given.sku, given.ordinal);
$$;

-- Goods received, each once. What another receipt has the key of is refused, and moves nothing.
CREATE OR REPLACE FUNCTION receive_stock(receipts_in jsonb, feed uuid) RETURNS TABLE (n bigint, result text) LANGUAGE plpgsql AS $$
DECLARE
    given receipt_row[] := ARRAY (SELECT r FROM jsonb_populate_recordset(NULL::receipt_row, receipts_in) AS r);
    numbered receipt_row[];
    fresh receipts[];
    fresh_rows receipt_row[];
BEGIN
    PERFORM demand_lock(ARRAY (SELECT DISTINCT r.sku FROM unnest(given) AS r), false);
    numbered := number_receipts(ARRAY (SELECT r FROM unnest(given) AS r
        JOIN facilities f ON f.facility_id = r.facility_id JOIN products p ON p.sku = r.sku), feed);
    WITH added AS (
        INSERT INTO receipts AS new (receipt_id, received_at, facility_id, sku, ordinal, quantity, feed_id)
        SELECT k.receipt_id, k.received_at, k.facility_id, k.sku, k.ordinal, k.quantity, feed FROM unnest(numbered) AS k
        ORDER BY k.receipt_id, k.received_at, k.facility_id, k.sku, k.ordinal
        ON CONFLICT DO NOTHING RETURNING new
    )
    SELECT coalesce(array_agg(new), '{}') INTO fresh FROM added;
    fresh_rows := ARRAY (SELECT k FROM unnest(numbered) AS k JOIN unnest(fresh) AS x ON x.ordinal = k.ordinal
        AND x.received_at = k.received_at AND x.facility_id = k.facility_id AND x.sku = k.sku
        AND x.receipt_id IS NOT DISTINCT FROM k.receipt_id);
    PERFORM open_positions(array_agg(k.facility_id), array_agg(k.sku)) FROM unnest(fresh_rows) AS k;
    PERFORM move_stock(facts_after_count(ARRAY (SELECT ROW (k.facility_id, k.sku, k.quantity, 0, 0, 'receipt', NULL,
        coalesce(k.receipt_id, feed::text), k.received_at)::stock_move FROM unnest(fresh_rows) AS k)));
    RETURN QUERY
        SELECT r.n, CASE
            WHEN f.facility_id IS NULL THEN 'unknown_facility'
            WHEN p.sku IS NULL THEN 'unknown_sku'
            WHEN k.n IS NOT NULL THEN 'accepted'
            WHEN (known.received_at, known.facility_id, known.sku, known.quantity) = (r.received_at, r.facility_id, r.sku, r.quantity)
                THEN 'unchanged'
            ELSE 'receipt_conflict' END
        FROM unnest(given) AS r
        LEFT JOIN facilities f ON f.facility_id = r.facility_id
        LEFT JOIN products p ON p.sku = r.sku
        LEFT JOIN unnest(fresh_rows) AS k ON k.n = r.n
        LEFT JOIN unnest(numbered) AS q ON q.n = r.n
        LEFT JOIN LATERAL known_receipt(q) AS known ON k.n IS NULL;
END $$;

-- See reserve(): a piece of a feed is so small that planning it anew took as long as the rest, with its SKUs locked.
ALTER FUNCTION receive_stock(jsonb, uuid) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION receive_stock(jsonb, uuid) SET enable_seqscan = off;
