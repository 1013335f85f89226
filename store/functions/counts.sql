-- Counts: facts about stock, each row judged by itself. A result per row: accepted, unchanged, or the code of why not.

-- Safety stock and oversell limit as given, the time of the count, and whoever these set free units for.
CREATE OR REPLACE FUNCTION set_levels(counts stock_count[], counted_at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
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
CREATE OR REPLACE FUNCTION count_stock(counts jsonb, counted_at timestamptz, source text) RETURNS TABLE (n bigint, result text) LANGUAGE plpgsql AS $$
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

-- Batches differ from one row to thousands: a plan made for few joins arrays row by row.
ALTER FUNCTION count_stock(jsonb, timestamptz, text) SET plan_cache_mode = force_custom_plan;
