-- A hold as it is now.
CREATE OR REPLACE FUNCTION shown_hold(id text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('reservation_id', h.reservation_id, 'status', h.status, 'requested_at', h.requested_at,
        'expires_at', h.expires_at, 'lines', h.lines, 'order_id', h.order_id, 'held', coalesce((
            SELECT jsonb_agg(to_jsonb(u) - 'reservation_id' ORDER BY u.line_id, u.facility_id)
            FROM checkout_hold_units u WHERE u.reservation_id = h.reservation_id), '[]'))
    FROM checkout_holds h WHERE h.reservation_id = id;
$$;

-- The conditional write for a checkout: all positions or none. `needed` is what `units` add up to, each position once. Answers new or
-- same, with the first answer; other, where another request has the id; or short, with nothing changed.
CREATE OR REPLACE FUNCTION hold_stock(request jsonb, who jsonb DEFAULT NULL, OUT outcome text, OUT detail jsonb)
LANGUAGE plpgsql AS $$
DECLARE
    this_hold text := request ->> 'reservation_id';
    needed position_units[] := ARRAY (SELECT n FROM jsonb_populate_recordset(NULL::position_units, request -> 'needed') AS n);
    denied boolean := needed = '{}';
BEGIN
    PERFORM act_as(who);
    -- Whoever comes second with an id waits here for the first.
    INSERT INTO checkout_holds (reservation_id, body_hash, status, expires_at, lines)
    VALUES (this_hold, request ->> 'body_hash', CASE WHEN denied THEN 'denied' ELSE 'held' END,
        now() + make_interval(secs => CASE WHEN denied THEN 0 ELSE (request ->> 'hold_s')::bigint END), request -> 'lines')
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        SELECT CASE WHEN h.body_hash = request ->> 'body_hash' THEN 'same' ELSE 'other' END, h.answer INTO outcome, detail
        FROM checkout_holds h WHERE h.reservation_id = this_hold;
        RETURN;
    END IF;
    IF (cardinality(needed) > 1 AND NOT lock_enough(needed)) OR NOT take_units(NULL, needed, this_hold) THEN
        DELETE FROM checkout_holds h WHERE h.reservation_id = this_hold;
        outcome := 'short';
        RETURN;
    END IF;
    INSERT INTO checkout_hold_units (reservation_id, line_id, facility_id, sku, quantity)
    SELECT this_hold, u.line_id, u.facility_id, u.sku, u.quantity
    FROM jsonb_populate_recordset(NULL::checkout_hold_units, request -> 'units') AS u;
    outcome := 'new';
    detail := shown_hold(this_hold);
    UPDATE checkout_holds h SET answer = detail WHERE h.reservation_id = this_hold;
END $$;

-- Ends holds whose rows the caller has locked, and gives their units back: to whoever waits for them first.
CREATE OR REPLACE FUNCTION end_holds(ids text[], becomes text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    facility_ids text[];
    skus text[];
    moves stock_move[];
BEGIN
    SELECT array_agg(u.facility_id), array_agg(u.sku) INTO facility_ids, skus
    FROM checkout_hold_units u WHERE u.reservation_id = ANY (ids);
    UPDATE checkout_holds h SET status = becomes WHERE h.reservation_id = ANY (ids);
    IF skus IS NULL THEN
        RETURN;
    END IF;
    PERFORM demand_lock(skus, false);
    -- A fact takes units from holds with the position's lock alone.
    PERFORM lock_positions(facility_ids, skus);
    WITH gone AS (DELETE FROM checkout_hold_units u WHERE u.reservation_id = ANY (ids) RETURNING u.*)
    SELECT array_agg(ROW (g.facility_id, g.sku, 0, -g.quantity, 0, lower(becomes), NULL, g.reservation_id, now())::stock_move)
    INTO moves FROM gone AS g;
    IF moves IS NOT NULL THEN
        PERFORM move_stock(moves);
    END IF;
END $$;

-- Gives a hold back, if it still is one. Answers with it as it is then.
CREATE OR REPLACE FUNCTION release_hold(id text, who jsonb DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    PERFORM act_as(who);
    PERFORM 1 FROM checkout_holds h WHERE h.reservation_id = id AND h.status = 'held' FOR UPDATE;
    IF FOUND THEN
        PERFORM end_holds(ARRAY[id], 'released');
    END IF;
    RETURN shown_hold(id);
END $$;

-- Ends holds past their deadline, the longest overdue first; how many. One that somebody else has in hand is theirs.
CREATE OR REPLACE FUNCTION expire_holds(most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    due text[] := ARRAY (SELECT h.reservation_id FROM checkout_holds h WHERE h.status = 'held' AND h.expires_at <= now()
        ORDER BY h.expires_at LIMIT most FOR UPDATE SKIP LOCKED);
BEGIN
    IF due <> '{}' THEN
        PERFORM end_holds(due, 'expired');
    END IF;
    RETURN cardinality(due);
END $$;

-- Holds give way before orders do, the youngest first: nobody has bought their units yet. Answers how many of the missing units they
-- gave. The caller has locked the position.
CREATE OR REPLACE FUNCTION short_holds(at_facility text, of_sku text, missing bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    held record;
    taken bigint;
    given bigint := 0;
BEGIN
    FOR held IN
        SELECT u.reservation_id, u.line_id, u.quantity FROM checkout_hold_units u JOIN checkout_holds h USING (reservation_id)
        WHERE (u.sku, u.facility_id) = (of_sku, at_facility)
        ORDER BY h.requested_at DESC, u.reservation_id DESC, u.line_id DESC
    LOOP
        EXIT WHEN given >= missing;
        taken := least(missing - given, held.quantity);
        given := given + taken;
        DELETE FROM checkout_hold_units u WHERE taken = held.quantity
            AND (u.reservation_id, u.line_id, u.facility_id, u.sku) = (held.reservation_id, held.line_id, at_facility, of_sku);
        UPDATE checkout_hold_units u SET quantity = u.quantity - taken
        WHERE (u.reservation_id, u.line_id, u.facility_id, u.sku) = (held.reservation_id, held.line_id, at_facility, of_sku);
        INSERT INTO stock_movements (facility_id, sku, on_hand, reserved, unavailable, cause, reference, occurred_at)
        VALUES (at_facility, of_sku, 0, -taken, 0, 'shorted', held.reservation_id, now());
    END LOOP;
    -- See move_stock() about the deficit. What is given is missing anyway, so that there is nothing to serve anybody with.
    UPDATE stock s SET reserved = s.reserved - given,
        deficit = greatest(0, least(missing_units(s.reserved - given, s.on_hand, s.unavailable, s.oversell_limit), s.deficit))
    WHERE (s.facility_id, s.sku) = (at_facility, of_sku) AND given > 0;
    RETURN given;
END $$;

ALTER FUNCTION hold_stock(jsonb, jsonb) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION hold_stock(jsonb, jsonb) SET enable_seqscan = off;
