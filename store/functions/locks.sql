-- Closes the gap between "nothing there, so I wait" and "something came, nobody waits": whoever adds or changes waiting rows
-- of a SKU excludes whoever raises its availability, until commit. 4,096 shards: enough that a feed's piece of 50 rows leaves 99 of 100 SKUs
-- to others, and few enough for the server's lock table, however many SKUs an order has. Taken before any stock row, in shard order.
CREATE OR REPLACE FUNCTION demand_lock(skus text[], exclusive boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM CASE WHEN exclusive THEN pg_advisory_xact_lock(20251, shard) ELSE pg_advisory_xact_lock_shared(20251, shard) END
    FROM (SELECT DISTINCT hashtext(sku) & 4095 AS shard FROM unnest(skus) AS sku ORDER BY shard) AS shards;
END $$;

-- Locks positions, as far as they are there, and answers how many are. The only place that does: all take them in this order, so that no
-- two wait for each other.
CREATE OR REPLACE FUNCTION lock_positions(facility_ids text[], skus text[]) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT count(*) FROM (
        SELECT FROM stock s JOIN (SELECT DISTINCT p.facility_id, p.sku FROM unnest(facility_ids, skus) AS p (facility_id, sku)) AS p
            ON s.facility_id = p.facility_id AND s.sku = p.sku
        ORDER BY s.facility_id, s.sku FOR UPDATE OF s
    ) AS locked);
END $$;

-- Creates what is missing of positions that the catalogue knows, and locks them.
CREATE OR REPLACE FUNCTION open_positions(facility_ids text[], skus text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO stock (facility_id, sku)
    SELECT DISTINCT f.facility_id, p.sku FROM unnest(facility_ids, skus) AS w (facility_id, sku)
    JOIN facilities f ON f.facility_id = w.facility_id JOIN products p ON p.sku = w.sku
    WHERE NOT EXISTS (SELECT FROM stock s WHERE s.facility_id = w.facility_id AND s.sku = w.sku)
    ORDER BY f.facility_id, p.sku
    ON CONFLICT DO NOTHING;
    PERFORM lock_positions(facility_ids, skus);
END $$;

-- Locks positions, and says whether all have what is needed.
CREATE OR REPLACE FUNCTION lock_enough(needed position_units[]) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_positions(array_agg(n.facility_id), array_agg(n.sku)) FROM unnest(needed) AS n;
    RETURN cardinality(needed) = (SELECT count(*) FROM unnest(needed) AS n
        JOIN stock s ON s.facility_id = n.facility_id AND s.sku = n.sku WHERE s.available >= n.quantity);
END $$;
