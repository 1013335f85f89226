-- Counts: facts about stock, each row judged by itself. A result per row: accepted, unchanged, or the code of why not.

-- What a count makes of a position that is locked: on hand as of its time, and what happened since.
CREATE OR REPLACE FUNCTION changes_by_count(counts stock_count[], counted_at timestamptz) RETURNS SETOF position_change LANGUAGE sql STABLE AS $$
    SELECT s.facility_id, s.sku, c.on_hand + since.on_hand - s.on_hand, 0::bigint,
        CASE WHEN c.unavailable IS NULL THEN 0 ELSE greatest(0, c.unavailable + since.unavailable) - s.unavailable END,
        c.safety_stock, c.oversell_limit, counted_at, CASE WHEN c.unavailable IS NOT NULL THEN counted_at END
    FROM unnest(counts) AS c JOIN stock s ON s.facility_id = c.facility_id AND s.sku = c.sku,
        LATERAL happened_since(s.facility_id, s.sku, counted_at) AS since
    WHERE s.counted_as_of <= counted_at;
$$;

-- Keeps what the last count of a position did. One as of the same time corrects it, and is taken back with it.
CREATE OR REPLACE FUNCTION remember_counts(changes position_change[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO stock_counts AS k (facility_id, sku, counted_as_of, on_hand, unavailable, counted_before, unavailable_before)
    SELECT c.facility_id, c.sku, c.counted_as_of, c.on_hand, c.unavailable, s.counted_as_of, s.unavailable_as_of
    FROM unnest(changes) AS c JOIN stock s ON s.facility_id = c.facility_id AND s.sku = c.sku
    ON CONFLICT (facility_id, sku) DO UPDATE SET
        counted_as_of = excluded.counted_as_of,
        on_hand = excluded.on_hand + CASE WHEN k.counted_as_of = excluded.counted_as_of THEN k.on_hand ELSE 0 END,
        unavailable = excluded.unavailable + CASE WHEN k.counted_as_of = excluded.counted_as_of THEN k.unavailable ELSE 0 END,
        counted_before = CASE WHEN k.counted_as_of = excluded.counted_as_of THEN k.counted_before ELSE excluded.counted_before END,
        unavailable_before = CASE WHEN k.counted_as_of = excluded.counted_as_of THEN k.unavailable_before ELSE excluded.unavailable_before END;
$$;

-- A snapshot as of a time: on hand becomes the count plus what happened since. `counts` names a position once.
CREATE OR REPLACE FUNCTION count_stock(counts jsonb, counted_at timestamptz, source text, who jsonb DEFAULT NULL)
RETURNS TABLE (n bigint, result text) LANGUAGE plpgsql AS $$
DECLARE
    given stock_count[] := ARRAY (SELECT c FROM jsonb_populate_recordset(NULL::stock_count, counts) AS c);
    facility_ids text[] := ARRAY (SELECT c.facility_id FROM unnest(given) AS c);
    skus text[] := ARRAY (SELECT c.sku FROM unnest(given) AS c);
    changes position_change[];
BEGIN
    PERFORM act_as(who);
    PERFORM demand_lock(skus, false);
    PERFORM open_positions(facility_ids, skus);
    changes := ARRAY (SELECT c FROM changes_by_count(given, counted_at) AS c);
    RETURN QUERY
        SELECT c.n, CASE
            WHEN f.facility_id IS NULL THEN 'unknown_facility'
            WHEN p.sku IS NULL THEN 'unknown_sku'
            WHEN d.sku IS NULL THEN 'stale_snapshot'
            WHEN (d.on_hand, d.unavailable) = (0, 0) AND s.counted_as_of > '-infinity'
                AND s.safety_stock = coalesce(c.safety_stock, s.safety_stock)
                AND s.oversell_limit = coalesce(c.oversell_limit, s.oversell_limit) THEN 'unchanged'
            ELSE 'accepted' END
        FROM unnest(given) AS c
        LEFT JOIN facilities f ON f.facility_id = c.facility_id
        LEFT JOIN products p ON p.sku = c.sku
        LEFT JOIN stock s ON s.facility_id = c.facility_id AND s.sku = c.sku
        LEFT JOIN unnest(changes) AS d ON d.facility_id = c.facility_id AND d.sku = c.sku;
    PERFORM remember_counts(changes);
    INSERT INTO stock_movements (facility_id, sku, on_hand, reserved, unavailable, cause, reference, occurred_at)
    SELECT d.facility_id, d.sku, d.on_hand, 0, d.unavailable, 'snapshot', source, counted_at
    FROM unnest(changes) AS d WHERE (d.on_hand, d.unavailable) <> (0, 0);
    PERFORM offer_again(array_agg(d.facility_id), array_agg(d.sku), array_agg(counted_at)) FROM unnest(changes) AS d;
    PERFORM change_positions(changes);
END $$;

-- Takes the last count of a position back, if it is the one as of that time: the position is as if it had never been told, with what
-- it had seen and what happened since. Limits that came with it stay. False: another count stands there, or none.
CREATE OR REPLACE FUNCTION take_back_count(at_facility text, of_sku text, counted_at timestamptz, who jsonb DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    last_count stock_counts;
    seen record;
BEGIN
    PERFORM act_as(who);
    PERFORM demand_lock(ARRAY[of_sku], false);
    PERFORM lock_positions(ARRAY[at_facility], ARRAY[of_sku]);
    DELETE FROM stock_counts k WHERE (k.facility_id, k.sku, k.counted_as_of) = (at_facility, of_sku, counted_at) RETURNING k.* INTO last_count;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    WITH moved AS (
        UPDATE stock_movements m SET moved = true
        WHERE (m.facility_id, m.sku) = (at_facility, of_sku) AND NOT m.moved AND m.effective_at <= counted_at AND m.effective_at
            > CASE WHEN m.on_hand <> 0 THEN last_count.counted_before ELSE last_count.unavailable_before END
        RETURNING m.on_hand, m.unavailable
    )
    SELECT coalesce(sum(on_hand), 0)::bigint AS on_hand, coalesce(sum(unavailable), 0)::bigint AS unavailable INTO seen FROM moved;
    -- What orders shipped counts after the count that stood there: that is an earlier one now.
    UPDATE stock_movements m SET effective_at = greatest(m.occurred_at, last_count.counted_before + interval '1 microsecond')
    WHERE (m.facility_id, m.sku) = (at_facility, of_sku) AND m.effective_at = counted_at + interval '1 microsecond'
        AND m.occurred_at <= counted_at AND m.on_hand <> 0;
    INSERT INTO stock_movements (facility_id, sku, on_hand, reserved, unavailable, cause, occurred_at)
    VALUES (at_facility, of_sku, -last_count.on_hand, 0, -last_count.unavailable, 'snapshot_taken_back', counted_at);
    PERFORM change_positions(ARRAY[ROW (at_facility, of_sku, seen.on_hand - last_count.on_hand, 0, seen.unavailable - last_count.unavailable,
        NULL, NULL, last_count.counted_before, last_count.unavailable_before)::position_change]);
    RETURN true;
END $$;

-- Batches differ from one row to thousands: a plan made for few joins arrays row by row.
ALTER FUNCTION count_stock(jsonb, timestamptz, text, jsonb) SET plan_cache_mode = force_custom_plan;
