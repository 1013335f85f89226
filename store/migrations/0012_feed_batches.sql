-- A feed's batch, whole, in one call: rows are judged one by one, so that a bad one is kept with its reason and costs the others
-- nothing. Rows carry their number in the file as `n`.
CREATE TYPE row_result AS (n bigint, result text);

-- The words beside each code a row may be refused with here.
CREATE FUNCTION reject_reason(code text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT code || ': ' || CASE code
        WHEN 'unknown_facility' THEN 'there is no facility with this id'
        WHEN 'unknown_sku' THEN 'there is no product with this SKU'
        WHEN 'stale_snapshot' THEN 'a later count of this position was accepted already' END;
$$;

-- The last of the rows with one key counts: a file may correct itself.
CREATE FUNCTION write_facilities(facilities_in jsonb) RETURNS TABLE (n bigint, result text) LANGUAGE sql AS $$
    WITH last_rows AS (
        SELECT DISTINCT ON (r ->> 'facility_id') r FROM jsonb_array_elements(facilities_in) AS r
        ORDER BY r ->> 'facility_id', (r -> 'n')::bigint DESC
    ), written AS (
        INSERT INTO facilities AS f SELECT new.* FROM last_rows, jsonb_populate_record(NULL::facilities, r) AS new
        ON CONFLICT (facility_id) DO UPDATE SET name = excluded.name, facility_type = excluded.facility_type,
            country = excluded.country, city = excluded.city, latitude = excluded.latitude, longitude = excluded.longitude,
            timezone = excluded.timezone, handling_cost_minor = excluded.handling_cost_minor,
            daily_order_capacity = excluded.daily_order_capacity, cutoff_local_time = excluded.cutoff_local_time,
            working_days = excluded.working_days, ship_enabled = excluded.ship_enabled, pickup_enabled = excluded.pickup_enabled
        WHERE f.* IS DISTINCT FROM excluded.*
        RETURNING f.facility_id
    )
    SELECT (given -> 'n')::bigint, CASE WHEN w.facility_id IS NULL THEN 'unchanged' ELSE 'accepted' END
    FROM jsonb_array_elements(facilities_in) AS given
    LEFT JOIN last_rows l ON l.r -> 'n' = given -> 'n'
    LEFT JOIN written w ON w.facility_id = l.r ->> 'facility_id';
$$;

CREATE FUNCTION write_products(products_in jsonb) RETURNS TABLE (n bigint, result text) LANGUAGE sql AS $$
    WITH last_rows AS (
        SELECT DISTINCT ON (r ->> 'sku') r FROM jsonb_array_elements(products_in) AS r
        ORDER BY r ->> 'sku', (r -> 'n')::bigint DESC
    ), written AS (
        INSERT INTO products AS p SELECT new.* FROM last_rows, jsonb_populate_record(NULL::products, r) AS new
        ON CONFLICT (sku) DO UPDATE SET title = excluded.title, price_minor = excluded.price_minor, currency = excluded.currency,
            weight_g = excluded.weight_g, length_mm = excluded.length_mm, width_mm = excluded.width_mm,
            height_mm = excluded.height_mm
        WHERE p.* IS DISTINCT FROM excluded.*
        RETURNING p.sku
    )
    SELECT (given -> 'n')::bigint, CASE WHEN w.sku IS NULL THEN 'unchanged' ELSE 'accepted' END
    FROM jsonb_array_elements(products_in) AS given
    LEFT JOIN last_rows l ON l.r -> 'n' = given -> 'n'
    LEFT JOIN written w ON w.sku = l.r ->> 'sku';
$$;

-- A snapshot's rows; of a full one it is remembered what was named.
CREATE FUNCTION write_counts(counts jsonb, run feeds) RETURNS TABLE (n bigint, result text) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_positions (feed_id, facility_id, sku)
    SELECT run.feed_id, r ->> 'facility_id', r ->> 'sku' FROM jsonb_array_elements(counts) AS r WHERE run.mode = 'full'
    ON CONFLICT DO NOTHING;
    RETURN QUERY
        WITH last_rows AS (
            SELECT DISTINCT ON (r ->> 'facility_id', r ->> 'sku') r FROM jsonb_array_elements(counts) AS r
            ORDER BY r ->> 'facility_id', r ->> 'sku', (r -> 'n')::bigint DESC
        ), counted AS (
            SELECT c.n, c.result
            FROM count_stock((SELECT coalesce(jsonb_agg(l.r), '[]') FROM last_rows l), run.as_of, run.feed_id::text) AS c
        )
        SELECT (given -> 'n')::bigint, coalesce(c.result, 'unchanged')
        FROM jsonb_array_elements(counts) AS given LEFT JOIN counted c ON c.n = (given -> 'n')::bigint;
END $$;

-- Applies the rows of a batch that were not applied before, and adds them up. `mistakes` are rows that never get that far;
-- what they counted, wrongly, was at least not left out.
-- NULL counts: there is no such run, or it has ended.
CREATE FUNCTION apply_batch(feed uuid, of_kind text, batch jsonb, mistakes jsonb, OUT accepted bigint, OUT unchanged bigint,
    OUT rejected jsonb) LANGUAGE plpgsql AS $$
DECLARE
    run feeds;
    fresh jsonb;
    results row_result[];
BEGIN
    -- One batch of a run at a time: row numbers go up.
    SELECT * INTO run FROM feeds f WHERE f.feed_id = feed AND f.status = 'running' AND f.kind = of_kind FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT coalesce(jsonb_agg(r), '[]') INTO fresh FROM jsonb_array_elements(batch) AS r WHERE (r -> 'n')::bigint > run.through_row;
    SELECT coalesce(jsonb_agg(m), '[]') INTO mistakes FROM jsonb_array_elements(mistakes) AS m
        WHERE (m -> 'row_number')::bigint > run.through_row;

    INSERT INTO feed_positions (feed_id, facility_id, sku)
    SELECT feed, m -> 'counted' ->> 0, m -> 'counted' ->> 1 FROM jsonb_array_elements(mistakes) AS m
    WHERE run.mode = 'full' AND m -> 'counted' <> 'null'
    ON CONFLICT DO NOTHING;
    results := CASE of_kind
        WHEN 'facilities' THEN ARRAY (SELECT w::row_result FROM write_facilities(fresh) AS w)
        WHEN 'products' THEN ARRAY (SELECT w::row_result FROM write_products(fresh) AS w)
        WHEN 'stock' THEN ARRAY (SELECT w::row_result FROM write_counts(fresh, run) AS w)
        WHEN 'receipts' THEN ARRAY (SELECT w::row_result FROM receive_stock(fresh, feed) AS w)
    END;
    SELECT count(*) FILTER (WHERE r.result = 'accepted'), count(*) FILTER (WHERE r.result = 'unchanged'),
        (SELECT coalesce(jsonb_agg(m - 'counted'), '[]') FROM jsonb_array_elements(mistakes) AS m) || coalesce(jsonb_agg(jsonb_build_object('row_number', r.n, 'reason', reject_reason(r.result)) ORDER BY r.n)
            FILTER (WHERE r.result NOT IN ('accepted', 'unchanged')), '[]')
    INTO accepted, unchanged, rejected FROM unnest(results) AS r;

    INSERT INTO feed_rejects (feed_id, row_number, reason)
    SELECT feed, x.row_number, x.reason FROM jsonb_populate_recordset(NULL::feed_rejects, rejected) AS x
    ON CONFLICT DO NOTHING;
    UPDATE feeds f SET accepted = f.accepted + apply_batch.accepted, unchanged = f.unchanged + apply_batch.unchanged,
        rejected = f.rejected + jsonb_array_length(apply_batch.rejected),
        through_row = greatest(f.through_row, (SELECT max(r.n) FROM unnest(results) AS r),
            (SELECT max((m -> 'row_number')::bigint) FROM jsonb_array_elements(mistakes) AS m))
    WHERE f.feed_id = feed;
END $$;
