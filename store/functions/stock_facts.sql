-- Units at a position that somebody has picked, or is picking.
CREATE OR REPLACE FUNCTION picked_units(at_facility text, of_sku text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(r.allocated), 0)::bigint FROM reservations r JOIN fulfillment_orders f USING (fulfillment_order_id)
    WHERE (r.sku, r.facility_id) = (of_sku, at_facility) AND r.allocated > 0 AND f.status IN ('picking', 'packed', 'ready_for_pickup');
$$;

-- When a facility is offered a line again that it gave back for this reason: tomorrow, or not before something else happens.
CREATE OR REPLACE FUNCTION offered_again(at_facility text, reason text, at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN reason = 'no_capacity' THEN
        (date_trunc('day', at AT TIME ZONE f.timezone) + interval '1 day') AT TIME ZONE f.timezone END
    FROM facilities f WHERE f.facility_id = at_facility;
$$;

-- Books what facilities said, each fact once, and adds what it moves to `moves`: in one call, so that units which are given back
-- because they are not there serve nobody. The reservations are written already.
CREATE OR REPLACE FUNCTION book_facts(for_order text, facts jsonb, moves stock_move[], at timestamptz) RETURNS stock_move[] LANGUAGE plpgsql AS $$
DECLARE
    fact record;
    there bigint;
    moved stock_move;
BEGIN
    PERFORM 1 FROM (
        SELECT FROM stock s JOIN (SELECT m.facility_id, m.sku FROM unnest(moves) AS m
            UNION SELECT f.facility_id, f.sku FROM jsonb_to_recordset(facts) AS f (facility_id text, sku text)) AS p
            ON s.facility_id = p.facility_id AND s.sku = p.sku
        ORDER BY s.facility_id, s.sku FOR UPDATE OF s
    ) AS locked;
    FOR fact IN
        SELECT * FROM jsonb_to_recordset(facts) AS f (seq bigint, line_id text, facility_id text, sku text, reason text, quantity bigint)
        ORDER BY f.seq, f.line_id
    LOOP
        SELECT s.on_hand + coalesce((SELECT sum(m.on_hand) FROM unnest(moves) AS m
            WHERE (m.facility_id, m.sku) = (fact.facility_id, fact.sku)), 0) INTO there
        FROM stock s WHERE (s.facility_id, s.sku) = (fact.facility_id, fact.sku);
        moved := ROW (fact.facility_id, fact.sku, CASE fact.reason
                WHEN 'not_in_stock' THEN least(0, picked_units(fact.facility_id, fact.sku) - there)
                WHEN 'mismatch' THEN -fact.quantity ELSE 0 END,
            0, CASE fact.reason WHEN 'damaged' THEN fact.quantity ELSE 0 END,
            CASE fact.reason WHEN 'not_in_stock' THEN 'not_in_stock' WHEN 'mismatch' THEN 'mismatch' ELSE 'damaged' END,
            for_order, fact.seq::text, at)::stock_move;
        INSERT INTO stock_facts (order_id, seq, line_id, facility_id, sku, reason, quantity, on_hand, unavailable, occurred_at,
            offered_again_at)
        VALUES (for_order, fact.seq, fact.line_id, fact.facility_id, fact.sku, fact.reason, fact.quantity, moved.on_hand,
            moved.unavailable, at, offered_again(fact.facility_id, fact.reason, at))
        ON CONFLICT DO NOTHING;
        CONTINUE WHEN NOT FOUND;
        IF (moved.on_hand, moved.unavailable) <> (0, 0) THEN
            moves := moves || moved;
        END IF;
        -- When it is asked again, those who wait are served from there.
        INSERT INTO serve_queue (facility_id, only_sku, due)
        SELECT x.facility_id, x.sku, x.offered_again_at FROM stock_facts x
        WHERE (x.order_id, x.seq, x.line_id) = (for_order, fact.seq, fact.line_id) AND x.offered_again_at IS NOT NULL;
    END LOOP;
    RETURN moves;
END $$;
