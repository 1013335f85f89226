-- Receipts: facts about stock, each row judged by itself. A result per row: accepted, unchanged, or the code of why not.

-- Goods received. Rows without an id are numbered among their equals, going on from earlier batches of the same feed.
CREATE OR REPLACE FUNCTION receive_stock(receipts_in jsonb, feed uuid) RETURNS TABLE (n bigint, result text) LANGUAGE plpgsql AS $$
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

ALTER FUNCTION receive_stock(jsonb, uuid) SET plan_cache_mode = force_custom_plan;
