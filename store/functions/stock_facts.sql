-- Units at a position that somebody has picked, or is picking.
CREATE OR REPLACE FUNCTION picked_units(at_facility text, of_sku text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(r.allocated), 0)::bigint FROM reservations r JOIN fulfillment_orders f USING (fulfillment_order_id)
        JOIN fulfillment_statuses t USING (status)
    WHERE (r.sku, r.facility_id) = (of_sku, at_facility) AND r.allocated > 0 AND t.is_picked;
$$;

-- When the next day begins there. A zone that this server's database does not know stops nobody: its days are UTC's.
CREATE OR REPLACE FUNCTION next_local_day(at timestamptz, timezone text) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (date_trunc('day', at AT TIME ZONE timezone) + interval '1 day') AT TIME ZONE timezone;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN (date_trunc('day', at AT TIME ZONE 'UTC') + interval '1 day') AT TIME ZONE 'UTC';
END $$;

-- When a facility is offered a line again that it gave back for this reason: tomorrow, or not before something else happens.
CREATE OR REPLACE FUNCTION offered_again(at_facility text, reason_given text, at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN r.offered_again = 'tomorrow' THEN next_local_day(at, f.timezone) END
    FROM facilities f, rejection_reasons r WHERE f.facility_id = at_facility AND r.reason = reason_given;
$$;

-- Goods came to positions, or were counted there: what was given back before that for want of them is offered again. Also where it turns
-- out to have been there all along, so that nothing else is served by it.
CREATE OR REPLACE FUNCTION offer_again(facility_ids text[], skus text[], since timestamptz[]) RETURNS void LANGUAGE sql AS $$
    WITH again AS (
        UPDATE stock_facts x SET offered_again_at = '-infinity'
        FROM unnest(facility_ids, skus, since) AS came (facility_id, sku, at), rejection_reasons r
        WHERE x.offered_again_at IS NULL AND (x.sku, x.facility_id) = (came.sku, came.facility_id) AND came.at > x.occurred_at
            AND r.reason = x.reason AND r.offered_again = 'after_goods_came'
        RETURNING x.facility_id, x.sku
    )
    INSERT INTO serve_queue (facility_id, only_sku) SELECT DISTINCT again.facility_id, again.sku FROM again;
$$;

-- What a fact says of its position, which is locked. `moves` are under way: of what was there at the time of the fact, an empty shelf
-- leaves what is picked.
CREATE OR REPLACE FUNCTION said_by(fact stock_facts, moves stock_move[]) RETURNS stock_move LANGUAGE sql STABLE AS $$
    SELECT ROW (s.facility_id, s.sku, CASE r.effect
            WHEN 'shelf_is_empty' THEN least(0, picked_units(s.facility_id, s.sku) - s.on_hand + since.on_hand - coalesce((
                SELECT sum(m.on_hand) FROM unnest(moves) AS m WHERE (m.facility_id, m.sku) = (s.facility_id, s.sku)), 0)::bigint)
            WHEN 'fewer_on_hand' THEN -fact.quantity ELSE 0 END,
        0, CASE r.effect WHEN 'unavailable' THEN fact.quantity ELSE 0 END, r.reason, fact.order_id, fact.seq::text,
        fact.occurred_at)::stock_move
    FROM stock s, rejection_reasons r, LATERAL happened_since(s.facility_id, s.sku, fact.occurred_at) AS since
    WHERE (s.facility_id, s.sku, r.reason) = (fact.facility_id, fact.sku, fact.reason);
$$;

-- Books what facilities said, each fact once, and adds what it moves to `moves`: in one call, so that units which are given back
-- because they are not there serve nobody. The reservations are written already, and the positions locked.
CREATE OR REPLACE FUNCTION book_facts(for_order text, facts jsonb, moves stock_move[], at timestamptz) RETURNS stock_move[] LANGUAGE plpgsql AS $$
DECLARE
    fact stock_facts;
    said stock_move;
BEGIN
    FOR fact IN
        SELECT * FROM jsonb_populate_recordset(NULL::stock_facts, facts) AS f ORDER BY f.seq, f.line_id
    LOOP
        fact.order_id := for_order;
        fact.occurred_at := at;
        said := said_by(fact, moves);
        INSERT INTO stock_facts (order_id, seq, line_id, facility_id, sku, reason, quantity, on_hand, unavailable, occurred_at,
            offered_again_at)
        VALUES (for_order, fact.seq, fact.line_id, fact.facility_id, fact.sku, fact.reason, fact.quantity, said.on_hand,
            said.unavailable, at, offered_again(fact.facility_id, fact.reason, at))
        ON CONFLICT DO NOTHING;
        CONTINUE WHEN NOT FOUND;
        moves := moves || facts_after_count(ARRAY[said]);
        -- When it is asked again, those who wait are served from there.
        INSERT INTO serve_queue (facility_id, only_sku, due)
        SELECT x.facility_id, x.sku, x.offered_again_at FROM stock_facts x
        WHERE (x.order_id, x.seq, x.line_id) = (for_order, fact.seq, fact.line_id) AND x.offered_again_at IS NOT NULL;
    END LOOP;
    RETURN moves;
END $$;
