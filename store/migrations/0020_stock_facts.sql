-- What facilities say about stock by giving units back, each fact booked once, with what it moved. Until `offered_again_at` the
-- facility is not given that line of that order again: NULL is until a later count or receipt there, or for ever (see `reason`).
CREATE TABLE stock_facts (
    order_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    line_id text COLLATE "C" NOT NULL,
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    quantity bigint NOT NULL,
    on_hand bigint NOT NULL,
    unavailable bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    offered_again_at timestamptz,
    PRIMARY KEY (order_id, seq, line_id)
);
CREATE INDEX stock_facts_standing ON stock_facts (sku, facility_id) WHERE offered_again_at IS NULL;

-- Reservations that must give way, because a fact left fewer units than are reserved; until the order has taken notice.
CREATE TABLE stock_shorts (
    short_id text COLLATE "C" PRIMARY KEY DEFAULT gen_random_uuid()::text,
    order_id text COLLATE "C" NOT NULL,
    fulfillment_order_id text COLLATE "C" NOT NULL,
    line_id text COLLATE "C" NOT NULL,
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    quantity bigint NOT NULL CONSTRAINT short_quantity_range CHECK (quantity > 0)
);
CREATE INDEX stock_shorts_by_position ON stock_shorts (sku, facility_id);
CREATE INDEX stock_shorts_by_order ON stock_shorts (order_id);
-- Who holds units of a position: only asked where units are missing.
CREATE INDEX reservations_by_position ON reservations (sku, facility_id) WHERE allocated > 0;

-- Units of a position that are reserved and not there, less those of orders that have been told already.
CREATE FUNCTION untold_deficit(at_facility text, of_sku text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT s.deficit - coalesce((
        SELECT sum(least(x.quantity, r.allocated)) FROM stock_shorts x
        JOIN reservations r USING (order_id, fulfillment_order_id, line_id, facility_id, sku)
        WHERE (x.sku, x.facility_id) = (of_sku, at_facility)), 0)::bigint
    FROM stock s WHERE (s.facility_id, s.sku) = (at_facility, of_sku);
$$;

-- Chooses the reservations that give way and tells their orders: what is not released before what is, the latest promise first,
-- and never what is packed; the holds of checkouts before any of them. The caller has locked the positions.
CREATE FUNCTION choose_shorts(facility_ids text[], skus text[]) RETURNS void LANGUAGE plpgsql AS $$
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
        missing := missing - short_holds(place.facility_id, place.sku, missing);
        CONTINUE WHEN missing <= 0;
        FOR holder IN
            SELECT r.order_id, r.fulfillment_order_id, r.line_id, r.allocated - coalesce((SELECT sum(x.quantity) FROM stock_shorts x
                WHERE (x.order_id, x.fulfillment_order_id, x.line_id, x.facility_id)
                    = (r.order_id, r.fulfillment_order_id, r.line_id, r.facility_id)), 0)::bigint AS units
            FROM reservations r
            LEFT JOIN fulfillment_orders f ON f.fulfillment_order_id = r.fulfillment_order_id
            LEFT JOIN orders o ON o.order_id = r.order_id
            WHERE (r.sku, r.facility_id) = (place.sku, place.facility_id) AND r.allocated > 0
                AND coalesce(f.status, 'open') IN ('scheduled', 'open', 'released', 'accepted', 'picking')
            ORDER BY array_position(ARRAY['scheduled', 'open', 'released', 'accepted', 'picking'], coalesce(f.status, 'open')),
                f.ship_by DESC NULLS FIRST, o.placed_at DESC NULLS FIRST, r.order_id DESC, r.fulfillment_order_id DESC, r.line_id DESC
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

-- The order has taken notice, or has ended. What it could not give is asked of others.
CREATE FUNCTION forget_shorts(for_order text, seen jsonb, closing boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    facility_ids text[];
    skus text[];
BEGIN
    WITH gone AS (
        DELETE FROM stock_shorts x WHERE x.order_id = for_order AND (closing OR seen ? x.short_id) RETURNING x.facility_id, x.sku
    )
    SELECT array_agg(gone.facility_id), array_agg(gone.sku) INTO facility_ids, skus FROM gone;
    IF skus IS NULL THEN
        RETURN;
    END IF;
    PERFORM lock_stock(facility_ids, skus);
    PERFORM choose_shorts(facility_ids, skus);
END $$;

-- Units at a position that somebody has picked, or is picking.
CREATE FUNCTION picked_units(at_facility text, of_sku text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(r.allocated), 0)::bigint FROM reservations r JOIN fulfillment_orders f USING (fulfillment_order_id)
    WHERE (r.sku, r.facility_id) = (of_sku, at_facility) AND r.allocated > 0 AND f.status IN ('picking', 'packed', 'ready_for_pickup');
$$;

-- When a facility is offered a line again that it gave back for this reason: tomorrow, or not before something else happens.
CREATE FUNCTION offered_again(at_facility text, reason text, at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN reason = 'no_capacity' THEN
        (date_trunc('day', at AT TIME ZONE f.timezone) + interval '1 day') AT TIME ZONE f.timezone END
    FROM facilities f WHERE f.facility_id = at_facility;
$$;

-- Books what facilities said, each fact once, and adds what it moves to `moves`: in one call, so that units which are given back
-- because they are not there serve nobody. The reservations are written already.
CREATE FUNCTION book_facts(for_order text, facts jsonb, moves stock_move[], at timestamptz) RETURNS stock_move[] LANGUAGE plpgsql AS $$
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
        IF FOUND AND (moved.on_hand, moved.unavailable) <> (0, 0) THEN
            moves := moves || moved;
        END IF;
    END LOOP;
    RETURN moves;
END $$;
