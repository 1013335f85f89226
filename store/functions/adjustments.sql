-- Adjustments: facts about stock, each row judged by itself. A result per row: accepted, duplicate, or the code of why not. Each has an
-- id: what another adjustment has the id of is refused, and moves nothing.
CREATE OR REPLACE FUNCTION adjust_stock(adjustments_in jsonb, who jsonb DEFAULT NULL) RETURNS TABLE (n bigint, result text) LANGUAGE plpgsql AS $$
DECLARE
    given adjustment_row[] := ARRAY (SELECT a FROM jsonb_populate_recordset(NULL::adjustment_row, adjustments_in) AS a);
    fresh_ids text[];
    taken adjustment_row[];
BEGIN
    PERFORM act_as(who);
    PERFORM demand_lock(ARRAY (SELECT DISTINCT a.sku FROM unnest(given) AS a), false);
    -- Of rows with one id in one call, the first counts.
    taken := ARRAY (SELECT DISTINCT ON (a.adjustment_id) a FROM unnest(given) AS a
        JOIN facilities f ON f.facility_id = a.facility_id JOIN products p ON p.sku = a.sku ORDER BY a.adjustment_id, a.n);
    WITH added AS (
        INSERT INTO adjustments AS new (adjustment_id, facility_id, sku, quantity, unavailable, reason)
        SELECT a.adjustment_id, a.facility_id, a.sku, a.quantity, a.unavailable, a.reason FROM unnest(taken) AS a ORDER BY a.adjustment_id
        ON CONFLICT DO NOTHING RETURNING new.adjustment_id
    )
    SELECT coalesce(array_agg(adjustment_id), '{}') INTO fresh_ids FROM added;
    taken := ARRAY (SELECT a FROM unnest(taken) AS a WHERE a.adjustment_id = ANY (fresh_ids));
    PERFORM open_positions(array_agg(a.facility_id), array_agg(a.sku)) FROM unnest(taken) AS a;
    PERFORM move_stock(facts_after_count(ARRAY (
        -- What has no time of its own happens now, after whatever was counted, by whichever clock.
        SELECT ROW (a.facility_id, a.sku, a.quantity, 0, a.unavailable, a.reason, NULL, a.adjustment_id, coalesce(a.occurred_at,
            greatest(a.told_at, s.counted_as_of + interval '1 microsecond', s.unavailable_as_of + interval '1 microsecond')))::stock_move
        FROM unnest(taken) AS a JOIN stock s ON s.facility_id = a.facility_id AND s.sku = a.sku)));
    RETURN QUERY
        SELECT a.n, CASE
            WHEN f.facility_id IS NULL THEN 'unknown_facility'
            WHEN p.sku IS NULL THEN 'unknown_sku'
            WHEN t.n IS NOT NULL THEN 'accepted'
            WHEN (known.facility_id, known.sku, known.quantity, known.unavailable, known.reason)
                = (a.facility_id, a.sku, a.quantity, a.unavailable, a.reason) THEN 'duplicate'
            ELSE 'adjustment_conflict' END
        FROM unnest(given) AS a
        LEFT JOIN facilities f ON f.facility_id = a.facility_id
        LEFT JOIN products p ON p.sku = a.sku
        LEFT JOIN unnest(taken) AS t ON t.n = a.n
        LEFT JOIN adjustments known ON known.adjustment_id = a.adjustment_id;
END $$;

ALTER FUNCTION adjust_stock(jsonb, jsonb) SET plan_cache_mode = force_custom_plan;
