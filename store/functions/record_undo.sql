CREATE OR REPLACE FUNCTION row_key(of_row jsonb, key text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(of_row ->> part, ' ' ORDER BY n) FROM unnest(key) WITH ORDINALITY AS k (part, n);
$$;

-- Rows of `under` that no row of `over` has the key of, then all of `over`. Ids have no spaces, so keys do not collide.
CREATE OR REPLACE FUNCTION overlay_rows(under jsonb, over jsonb, key text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT over || coalesce(jsonb_agg(u), '[]') FROM jsonb_array_elements(under) AS u
    WHERE row_key(u, key) NOT IN (SELECT row_key(o, key) FROM jsonb_array_elements(over) AS o);
$$;

-- Rows of the listed fulfillment orders, emptied: what a record lists whole and does not name is not restored either.
CREATE OR REPLACE FUNCTION without_units(from_rows jsonb, listed text[], nothing jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_agg(CASE WHEN r ->> 'fulfillment_order_id' = ANY (listed) THEN r || nothing ELSE r END), '[]')
    FROM jsonb_array_elements(from_rows) AS r;
$$;

-- Takes back what records above `base` wrote: a lost task's. Returns the positions and waits to restore, for the caller to
-- settle together with its own (one movement, not there and back).
CREATE OR REPLACE FUNCTION undo_records(for_order text, base bigint, at timestamptz, OUT positions jsonb, OUT waits jsonb) LANGUAGE plpgsql AS $$
DECLARE
    undone jsonb[];
    grants jsonb;
    fulfillments jsonb;
    deficit_units bigint;
BEGIN
    -- Oldest first: for a row touched twice, the oldest undo is how it was at `base`.
    SELECT array_agg(u.undo ORDER BY u.version) INTO undone FROM record_undos u WHERE u.order_id = for_order AND u.version > base;
    SELECT coalesce(jsonb_agg(p), '[]') INTO positions FROM (
        SELECT DISTINCT ON (p -> 'fulfillment_order_id', p -> 'line_id', p -> 'facility_id', p -> 'sku') p
        FROM unnest(undone) WITH ORDINALITY AS u (undo, n), jsonb_array_elements(u.undo -> 'positions') AS p
        ORDER BY p -> 'fulfillment_order_id', p -> 'line_id', p -> 'facility_id', p -> 'sku', n
    ) AS oldest;
    SELECT coalesce(jsonb_agg(w), '[]') INTO waits FROM (
        SELECT DISTINCT ON (w -> 'fulfillment_order_id', w -> 'line_id') w
        FROM unnest(undone) WITH ORDINALITY AS u (undo, n), jsonb_array_elements(u.undo -> 'waits') AS w
        ORDER BY w -> 'fulfillment_order_id', w -> 'line_id', n
    ) AS oldest;
    SELECT jsonb_agg(f) INTO fulfillments FROM (
        SELECT DISTINCT ON (f -> 'fulfillment_order_id') f
        FROM unnest(undone) WITH ORDINALITY AS u (undo, n), jsonb_array_elements(u.undo -> 'fulfillment_orders') AS f
        ORDER BY f -> 'fulfillment_order_id', n
    ) AS oldest;
    SELECT jsonb_agg(g) INTO grants FROM unnest(undone) AS u, jsonb_array_elements(u -> 'grants') AS g;

    DELETE FROM fulfillment_orders f USING jsonb_array_elements(fulfillments) AS was
        WHERE f.fulfillment_order_id = was ->> 'fulfillment_order_id';
    -- A fulfillment order that did not exist before has no order_id in its undo.
    INSERT INTO fulfillment_orders SELECT f.* FROM jsonb_populate_recordset(NULL::fulfillment_orders, fulfillments) AS f
        WHERE f.order_id IS NOT NULL;
    INSERT INTO stock_grants SELECT g.* FROM jsonb_populate_recordset(NULL::stock_grants, grants) AS g;
    PERFORM move_stock(ARRAY (SELECT ROW (g.facility_id, g.sku, 0, g.quantity, 0, 'granted', for_order, g.grant_id, at)::stock_move
        FROM jsonb_populate_recordset(NULL::stock_grants, grants) AS g));
    PERFORM demand_lock(ARRAY (SELECT x.sku FROM stock_facts x WHERE x.order_id = for_order AND x.seq > base), false);
    WITH gone AS (DELETE FROM stock_facts x WHERE x.order_id = for_order AND x.seq > base RETURNING x.*)
    SELECT move_stock(array_agg(ROW (x.facility_id, x.sku, -x.on_hand, 0, -x.unavailable, 'taken_back', for_order, NULL, at)::stock_move))
    INTO deficit_units FROM gone AS x WHERE (x.on_hand, x.unavailable) <> (0, 0) HAVING count(*) > 0;
    UPDATE order_guards g SET closed_at = NULL WHERE g.order_id = for_order AND EXISTS (
        SELECT FROM unnest(undone) AS u WHERE (u -> 'closed')::boolean);
    DELETE FROM record_undos u WHERE u.order_id = for_order AND u.version > base;
    DELETE FROM order_events e WHERE e.order_id = for_order AND e.seq > base;
END $$;
