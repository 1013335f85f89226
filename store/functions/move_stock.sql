-- Whatever changes a position's units goes through change_positions(), except what must be able to say no (reserve.sql), and what gives
-- reserved units to others (waiting.sql, checkout_holds.sql).

-- Units that are reserved beyond what is there for them; less than 0: so many are left. What is unavailable is among what is on hand.
CREATE OR REPLACE FUNCTION missing_units(reserved bigint, on_hand bigint, unavailable bigint, oversell_limit bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT reserved - oversell_limit - on_hand + greatest(0, least(unavailable, on_hand));
$$;

-- Changes positions that are locked and there, each named once; tells the orders whose units are gone, then serves whoever waits for what
-- is set free. Returns by how much the recorded deficit grew.
CREATE OR REPLACE FUNCTION change_positions(changes position_change[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    more_deficit bigint;
    raised_facilities text[];
    raised_skus text[];
    short_facilities text[];
    short_skus text[];
BEGIN
    WITH compared AS (
        SELECT c.*, s.deficit AS deficit_before, coalesce(c.oversell_limit - s.oversell_limit, 0) AS more_oversell,
            coalesce(c.safety_stock - s.safety_stock, 0) AS more_safety,
            missing_units(s.reserved, s.on_hand, s.unavailable, s.oversell_limit) AS missing_before,
            missing_units(s.reserved + c.reserved, s.on_hand + c.on_hand, s.unavailable + c.unavailable,
                coalesce(c.oversell_limit, s.oversell_limit)) AS missing
        FROM unnest(changes) AS c JOIN stock s ON s.facility_id = c.facility_id AND s.sku = c.sku
    ), changed AS (
        UPDATE stock s SET
            on_hand = s.on_hand + c.on_hand,
            reserved = s.reserved + c.reserved,
            unavailable = s.unavailable + c.unavailable,
            safety_stock = s.safety_stock + c.more_safety,
            oversell_limit = s.oversell_limit + c.more_oversell,
            counted_as_of = coalesce(c.counted_as_of, s.counted_as_of),
            unavailable_as_of = coalesce(c.unavailable_as_of, s.unavailable_as_of),
            -- Grows by no more than this change worsens things: it must not explain away what went wrong before it.
            deficit = greatest(0, least(c.missing, s.deficit + greatest(0, c.missing - c.missing_before))),
            raised_by = CASE WHEN c.on_hand + c.more_oversell > c.reserved + c.unavailable + c.more_safety THEN pg_current_xact_id()
                ELSE s.raised_by END
        FROM compared c WHERE s.facility_id = c.facility_id AND s.sku = c.sku
        RETURNING s.facility_id, s.sku, s.deficit - c.deficit_before AS more_deficit,
            s.available > 0 AND c.on_hand + c.more_oversell > c.reserved + c.unavailable + c.more_safety AS raised,
            s.deficit > 0 AND c.missing > c.missing_before AS worsened
    )
    SELECT coalesce(sum(changed.more_deficit), 0), array_agg(facility_id) FILTER (WHERE raised), array_agg(sku) FILTER (WHERE raised),
        array_agg(facility_id) FILTER (WHERE worsened), array_agg(sku) FILTER (WHERE worsened)
    INTO more_deficit, raised_facilities, raised_skus, short_facilities, short_skus FROM changed;
    IF short_skus IS NOT NULL THEN
        PERFORM choose_shorts(short_facilities, short_skus);
    END IF;
    IF raised_skus IS NOT NULL THEN
        PERFORM serve_waiting(raised_facilities, raised_skus);
    END IF;
    RETURN greatest(0, more_deficit);
END $$;

-- Applies movements as facts, and writes the ledger. Returns by how much the recorded deficit grew. The caller holds demand_lock for
-- SKUs whose availability may rise.
CREATE OR REPLACE FUNCTION move_stock(moves stock_move[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    facility_ids text[] := ARRAY (SELECT m.facility_id FROM unnest(moves) AS m);
    skus text[] := ARRAY (SELECT m.sku FROM unnest(moves) AS m);
BEGIN
    IF lock_positions(facility_ids, skus) < cardinality(moves) THEN
        INSERT INTO stock (facility_id, sku)
        SELECT DISTINCT m.facility_id, m.sku FROM unnest(moves) AS m
        WHERE NOT EXISTS (SELECT FROM stock s WHERE (s.facility_id, s.sku) = (m.facility_id, m.sku))
        ON CONFLICT DO NOTHING;
    END IF;
    INSERT INTO stock_movements (facility_id, sku, on_hand, reserved, unavailable, cause, order_id, reference, occurred_at, effective_at)
    SELECT m.facility_id, m.sku, m.on_hand, m.reserved, m.unavailable, m.cause, m.order_id, m.reference, m.occurred_at,
        CASE WHEN m.on_hand <> 0 THEN greatest(m.occurred_at, s.counted_as_of + interval '1 microsecond')
            WHEN m.unavailable <> 0 THEN greatest(m.occurred_at, s.unavailable_as_of + interval '1 microsecond') END
    FROM unnest(moves) AS m JOIN stock s ON s.facility_id = m.facility_id AND s.sku = m.sku;
    -- Goods came, whatever brought them.
    PERFORM offer_again(array_agg(m.facility_id), array_agg(m.sku), array_agg(m.occurred_at)) FROM unnest(moves) AS m WHERE m.on_hand > 0;
    RETURN change_positions(ARRAY (
        SELECT ROW (m.facility_id, m.sku, sum(m.on_hand)::bigint, sum(m.reserved)::bigint, sum(m.unavailable)::bigint, NULL, NULL, NULL,
            NULL)::position_change
        FROM unnest(moves) AS m GROUP BY m.facility_id, m.sku));
END $$;

-- Of facts about positions that the caller has locked, those that move stock. What happened before the count that stands there, it has
-- seen: such a fact is kept in the ledger and moves nothing, unless the count is taken back.
CREATE OR REPLACE FUNCTION facts_after_count(facts stock_move[]) RETURNS stock_move[] LANGUAGE plpgsql AS $$
DECLARE
    moves stock_move[];
BEGIN
    WITH parts AS (
        -- What is on hand and what of it is unavailable are counted at times of their own.
        SELECT f.facility_id, f.sku, part.on_hand, part.unavailable, f.cause, f.order_id, f.reference, f.occurred_at,
            f.occurred_at > coalesce(CASE WHEN part.on_hand <> 0 THEN s.counted_as_of ELSE s.unavailable_as_of END, '-infinity') AS moves
        FROM unnest(facts) AS f LEFT JOIN stock s ON s.facility_id = f.facility_id AND s.sku = f.sku,
            LATERAL (VALUES (f.on_hand, 0::bigint), (0::bigint, f.unavailable)) AS part (on_hand, unavailable)
        WHERE (part.on_hand, part.unavailable) <> (0, 0)
    ), kept AS (
        INSERT INTO stock_movements (facility_id, sku, on_hand, reserved, unavailable, cause, order_id, reference, occurred_at, moved,
            effective_at)
        SELECT p.facility_id, p.sku, p.on_hand, 0, p.unavailable, p.cause, p.order_id, p.reference, p.occurred_at, false, p.occurred_at
        FROM parts p WHERE NOT p.moves
    )
    SELECT array_agg(ROW (p.facility_id, p.sku, p.on_hand, 0, p.unavailable, p.cause, p.order_id, p.reference, p.occurred_at)::stock_move)
    INTO moves FROM parts p WHERE p.moves;
    RETURN coalesce(moves, '{}');
END $$;

-- What happened at a position after a time, as far as it has been told.
CREATE OR REPLACE FUNCTION happened_since(at_facility text, of_sku text, since timestamptz)
RETURNS TABLE (on_hand bigint, unavailable bigint) LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(m.on_hand), 0)::bigint, coalesce(sum(m.unavailable), 0)::bigint FROM stock_movements m
    WHERE m.facility_id = at_facility AND m.sku = of_sku AND m.effective_at > since;
$$;
