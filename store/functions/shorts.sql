-- Units of a position that are reserved and not there, less those of orders that have been told already, and those that were granted to
-- orders which have not taken them yet: these are the first to give way, once they do.
CREATE OR REPLACE FUNCTION untold_deficit(at_facility text, of_sku text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT s.deficit - coalesce((
        SELECT sum(least(x.quantity, r.allocated)) FROM stock_shorts x
        JOIN reservations r USING (order_id, fulfillment_order_id, line_id, facility_id, sku)
        WHERE (x.sku, x.facility_id) = (of_sku, at_facility)), 0)::bigint
        - coalesce((SELECT sum(g.quantity) FROM stock_grants g WHERE (g.sku, g.facility_id) = (of_sku, at_facility)
            AND g.offered_until IS NULL), 0)::bigint
    FROM stock s WHERE (s.facility_id, s.sku) = (at_facility, of_sku);
$$;

-- Chooses the reservations that give way and tells their orders: what is not released before what is, the latest promise first,
-- and never what is packed; what is only offered, and then the holds of checkouts, before any of them. The caller has locked the positions.
CREATE OR REPLACE FUNCTION choose_shorts(facility_ids text[], skus text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    place record;
    holder record;
    missing bigint;
    taken bigint;
    new_short text;
    short_ids text[] := '{}';
BEGIN
    FOR place IN SELECT DISTINCT p.sku, p.facility_id FROM unnest(facility_ids, skus) AS p (facility_id, sku) ORDER BY p.sku, p.facility_id
    LOOP
        missing := untold_deficit(place.facility_id, place.sku);
        CONTINUE WHEN coalesce(missing, 0) <= 0;
        missing := missing - short_offers(place.facility_id, place.sku, missing);
        missing := missing - short_holds(place.facility_id, place.sku, missing);
        CONTINUE WHEN missing <= 0;
        FOR holder IN
            SELECT r.order_id, r.fulfillment_order_id, r.line_id, r.allocated - coalesce((SELECT sum(x.quantity) FROM stock_shorts x
                WHERE (x.order_id, x.fulfillment_order_id, x.line_id, x.facility_id)
                    = (r.order_id, r.fulfillment_order_id, r.line_id, r.facility_id)), 0)::bigint AS units
            FROM reservations r
            LEFT JOIN fulfillment_orders f ON f.fulfillment_order_id = r.fulfillment_order_id
            LEFT JOIN fulfillment_statuses t ON t.status = f.status
            LEFT JOIN orders o ON o.order_id = r.order_id
            WHERE (r.sku, r.facility_id) = (place.sku, place.facility_id) AND r.allocated > 0
                -- What no record names yet is what nobody has begun with.
                AND (f.fulfillment_order_id IS NULL OR t.gives_way_rank IS NOT NULL)
            ORDER BY t.gives_way_rank NULLS FIRST, f.ship_by DESC NULLS FIRST, o.placed_at DESC NULLS FIRST,
                r.order_id DESC, r.fulfillment_order_id DESC, r.line_id DESC
        LOOP
            EXIT WHEN missing <= 0;
            taken := least(missing, holder.units);
            CONTINUE WHEN taken <= 0;
            missing := missing - taken;
            INSERT INTO stock_shorts (order_id, fulfillment_order_id, line_id, facility_id, sku, quantity)
            VALUES (holder.order_id, holder.fulfillment_order_id, holder.line_id, place.facility_id, place.sku, taken)
            RETURNING short_id INTO new_short;
            short_ids := short_ids || new_short;
        END LOOP;
    END LOOP;
    INSERT INTO order_inbox (order_id, kind, payload)
    SELECT x.order_id, 'stock_shorted', jsonb_build_object('shorts', jsonb_agg(to_jsonb(x) - 'order_id' ORDER BY x.short_id))
    FROM stock_shorts x WHERE x.short_id = ANY (short_ids) GROUP BY x.order_id ORDER BY x.order_id;
END $$;

-- The order has taken notice, or has ended. What it could not give is asked of others; what it was granted may have gone missing before
-- it took it. The caller has locked the positions: see lock_settled().
CREATE OR REPLACE FUNCTION forget_shorts(for_order text, seen jsonb, closing boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    facility_ids text[];
    skus text[];
BEGIN
    WITH gone AS (
        DELETE FROM stock_shorts x WHERE x.order_id = for_order AND (closing OR seen ? x.short_id) RETURNING x.facility_id, x.sku
    ), missing AS (
        SELECT gone.facility_id, gone.sku FROM gone
        UNION SELECT s.facility_id, s.sku FROM reservations r JOIN stock s ON s.facility_id = r.facility_id AND s.sku = r.sku
        WHERE r.order_id = for_order AND r.allocated > 0 AND s.deficit > 0
    )
    SELECT array_agg(missing.facility_id), array_agg(missing.sku) INTO facility_ids, skus FROM missing;
    PERFORM choose_shorts(facility_ids, skus);
END $$;
