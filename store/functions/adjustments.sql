-- Adjustments: facts about stock, each row judged by itself. A result per row: accepted, duplicate, or the code of why not.

CREATE OR REPLACE FUNCTION adjust_stock(adjustments_in jsonb) RETURNS TABLE (n bigint, result text) LANGUAGE plpgsql AS $$
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

ALTER FUNCTION adjust_stock(jsonb) SET plan_cache_mode = force_custom_plan;
