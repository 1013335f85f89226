-- The last of the rows with one key counts: a file may correct itself. A facility that is new or another than before may serve whoever
-- waits, and keeps or gets its number.
CREATE OR REPLACE FUNCTION write_facilities(facilities_in jsonb) RETURNS TABLE (n bigint, result text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    written text[];
BEGIN
    -- One writer at a time: numbers leave no gap.
    PERFORM pg_advisory_xact_lock(20254, 0);
    WITH last_rows AS (
        SELECT DISTINCT ON (r ->> 'facility_id') r ->> 'facility_id' AS id, r FROM jsonb_array_elements(facilities_in) AS r
        ORDER BY r ->> 'facility_id', (r -> 'n')::bigint DESC
    ), numbered AS (
        SELECT l.r || jsonb_build_object('version', v.version, 'number', coalesce(f.number, (SELECT count(*) FROM facilities) - 1
            + row_number() OVER (PARTITION BY f.facility_id IS NULL ORDER BY l.id))) AS r
        FROM last_rows l LEFT JOIN facilities f ON f.facility_id = l.id CROSS JOIN facilities_version v
    ), upserted AS (
        INSERT INTO facilities AS f SELECT new.* FROM numbered AS n, jsonb_populate_record(NULL::facilities, n.r) AS new
        ON CONFLICT (facility_id) DO UPDATE SET name = excluded.name, facility_type = excluded.facility_type,
            country = excluded.country, city = excluded.city, latitude = excluded.latitude, longitude = excluded.longitude,
            timezone = excluded.timezone, handling_cost_minor = excluded.handling_cost_minor,
            daily_order_capacity = excluded.daily_order_capacity, cutoff_local_time = excluded.cutoff_local_time,
            working_days = excluded.working_days, ship_enabled = excluded.ship_enabled, pickup_enabled = excluded.pickup_enabled
        WHERE to_jsonb(f) - '{number,version}'::text[] <> to_jsonb(excluded) - '{number,version}'::text[]
        RETURNING f.facility_id
    )
    SELECT array_agg(u.facility_id) INTO written FROM upserted u;
    IF written IS NOT NULL THEN
        PERFORM facilities_changed(written);
    END IF;
    RETURN QUERY
        SELECT (given -> 'n')::bigint, CASE WHEN given -> 'n' = l.n AND l.id = ANY (written) THEN 'accepted' ELSE 'unchanged' END
        FROM jsonb_array_elements(facilities_in) AS given
        LEFT JOIN (SELECT r ->> 'facility_id' AS id, max((r -> 'n')::bigint)::text::jsonb AS n FROM jsonb_array_elements(facilities_in) AS r
            GROUP BY r ->> 'facility_id') AS l ON l.id = given ->> 'facility_id';
END $$;

CREATE OR REPLACE FUNCTION write_products(products_in jsonb) RETURNS TABLE (n bigint, result text) LANGUAGE sql AS $$
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
