-- The last of the rows with one key counts: a file may correct itself.
CREATE OR REPLACE FUNCTION write_facilities(facilities_in jsonb) RETURNS TABLE (n bigint, result text) LANGUAGE sql AS $$
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
