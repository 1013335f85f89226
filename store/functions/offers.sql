-- An offer is stock that is held for the order in whose turn it came, until it has planned with it.

-- What an order needs beside the units that are its own already (those of its checkout's hold, and what it is offered), and what it
-- leaves of these. Locks the positions of both.
CREATE OR REPLACE FUNCTION beside_own(hold text, offers text[], INOUT needed position_units[], OUT spare position_units[])
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_positions(array_agg(p.facility_id), array_agg(p.sku)) FROM (
        SELECT n.facility_id, n.sku FROM unnest(needed) AS n
        UNION SELECT u.facility_id, u.sku FROM checkout_hold_units u WHERE u.reservation_id = hold
        UNION SELECT g.facility_id, g.sku FROM stock_grants g WHERE g.grant_id = ANY (offers)
    ) AS p;
    SELECT coalesce(array_agg(ROW (facility_id, sku, wanted - held)::position_units) FILTER (WHERE wanted > held), '{}'),
        coalesce(array_agg(ROW (facility_id, sku, held - wanted)::position_units) FILTER (WHERE held > wanted), '{}')
    INTO needed, spare FROM (
        SELECT facility_id, sku, coalesce(n.quantity, 0) AS wanted, coalesce(o.quantity, 0) AS held
        FROM unnest(needed) AS n FULL JOIN (
            SELECT p.facility_id, p.sku, sum(p.quantity)::bigint AS quantity FROM (
                SELECT u.facility_id, u.sku, u.quantity FROM checkout_hold_units u WHERE u.reservation_id = hold
                UNION ALL SELECT g.facility_id, g.sku, g.quantity FROM stock_grants g WHERE g.grant_id = ANY (offers)
            ) AS p GROUP BY p.facility_id, p.sku
        ) AS o USING (facility_id, sku)
    ) AS compared;
END $$;

-- These units become the order's, and never are anybody's in between. What is spare stays reserved, for the caller to give back.
CREATE OR REPLACE FUNCTION hand_over(hold text, offers text[], for_order text, spare position_units[], step text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    becomes text;
BEGIN
    WITH held AS (
        DELETE FROM checkout_hold_units u WHERE u.reservation_id = hold RETURNING u.facility_id, u.sku, u.quantity
    ), offered AS (
        DELETE FROM stock_grants g WHERE g.grant_id = ANY (offers) RETURNING g.facility_id, g.sku, g.quantity
    ), used AS (
        SELECT facility_id, sku, sum(o.quantity)::bigint - coalesce(min(s.quantity), 0) AS quantity
        FROM (SELECT * FROM held UNION ALL SELECT * FROM offered) AS o LEFT JOIN unnest(spare) AS s USING (facility_id, sku)
        GROUP BY facility_id, sku
    )
    INSERT INTO stock_movements (facility_id, sku, on_hand, reserved, unavailable, cause, order_id, reference, occurred_at)
    SELECT used.facility_id, used.sku, 0, used.quantity * side.sign, 0, side.cause, side.order_id, side.reference, now()
    FROM used CROSS JOIN (VALUES (-1, 'taken_over', NULL, hold), (1, 'reserved', for_order, step)) AS side (sign, cause, order_id, reference)
    WHERE used.quantity > 0;
    becomes := CASE WHEN FOUND THEN 'allocated' ELSE 'released' END;
    UPDATE checkout_holds h SET status = becomes, order_id = for_order WHERE h.reservation_id = hold;
    IF offers <> '{}' THEN
        PERFORM nextval('offers_answered');
        UPDATE order_guards g SET offers_missed = 0, no_offers_until = NULL WHERE g.order_id = for_order AND g.offers_missed > 0;
    END IF;
END $$;

-- Gives up offers that were not answered in time, of at most so many orders; how many. While nobody else answers, workers are down, and
-- the order keeps its place. Otherwise offers pass it by for a minute, and after the third in a row for an hour; then it is its turn again.
CREATE OR REPLACE FUNCTION expire_offers(most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    -- Who answers just now has its guard.
    late text[] := ARRAY (SELECT g.order_id FROM order_guards g WHERE g.order_id IN (
        SELECT o.order_id FROM stock_grants o WHERE o.offered_until <= now() AND NOT o.gathered ORDER BY o.offered_until LIMIT most)
        ORDER BY g.order_id FOR UPDATE SKIP LOCKED);
    overdue stock_grants[] := ARRAY (SELECT o FROM stock_grants o WHERE o.order_id = ANY (late) AND o.offered_until <= now()
        AND NOT o.gathered);
    answers bigint;
    gone stock_grants[];
    moves stock_move[];
BEGIN
    IF overdue = '{}' THEN
        RETURN 0;
    END IF;
    PERFORM demand_lock(ARRAY (SELECT o.sku FROM unnest(overdue) AS o), false);
    -- All of them, before any is touched: a fact takes units from offers with the position's lock alone.
    PERFORM lock_positions(ARRAY (SELECT o.facility_id FROM unnest(overdue) AS o), ARRAY (SELECT o.sku FROM unnest(overdue) AS o));
    answers := (SELECT a.last_value FROM offers_answered a);
    WITH deleted AS (
        DELETE FROM stock_grants o USING unnest(overdue) AS d WHERE o.grant_id = d.grant_id AND o.answers_before < answers RETURNING o
    )
    SELECT coalesce(array_agg(deleted.o), '{}') INTO gone FROM deleted;
    UPDATE order_guards g SET offers_missed = g.offers_missed + 1,
        no_offers_until = now() + CASE WHEN g.offers_missed >= 2 THEN interval '1 hour' ELSE interval '1 minute' END
    WHERE g.order_id IN (SELECT o.order_id FROM unnest(gone) AS o);
    INSERT INTO serve_queue (facility_id, only_sku, due)
    SELECT DISTINCT o.facility_id, o.sku, g.no_offers_until FROM unnest(gone) AS o JOIN order_guards g USING (order_id);
    moves := ARRAY (SELECT ROW (o.facility_id, o.sku, 0, -o.quantity, 0, 'expired', o.order_id, o.grant_id, now())::stock_move
        FROM unnest(gone) AS o);
    IF moves <> '{}' THEN
        PERFORM move_stock(moves);
    END IF;
    -- Last: what an order keeps stays offered to it while the others' units go on.
    UPDATE stock_grants o SET offered_until = now() + interval '60 seconds' FROM unnest(overdue) AS d WHERE o.grant_id = d.grant_id;
    RETURN cardinality(gone);
END $$;

-- Takes so many units of a position out of these offers, in this order. Answers how many they had of them; the position's counter is the
-- caller's, who has locked it.
CREATE OR REPLACE FUNCTION give_up_offers(at_facility text, of_sku text, units bigint, why text, ids text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    offer stock_grants;
    taken bigint;
    given bigint := 0;
BEGIN
    FOR offer IN SELECT o.* FROM unnest(ids) WITH ORDINALITY AS i (grant_id, nth) JOIN stock_grants o USING (grant_id) ORDER BY i.nth LOOP
        EXIT WHEN given >= units;
        taken := least(units - given, offer.quantity);
        given := given + taken;
        DELETE FROM stock_grants o WHERE taken = offer.quantity AND o.grant_id = offer.grant_id;
        UPDATE stock_grants o SET quantity = o.quantity - taken WHERE o.grant_id = offer.grant_id;
        INSERT INTO stock_movements (facility_id, sku, on_hand, reserved, unavailable, cause, order_id, reference, occurred_at)
        VALUES (at_facility, of_sku, 0, -taken, 0, why, offer.order_id, offer.grant_id, now());
    END LOOP;
    RETURN given;
END $$;

-- Offers give way before all else, those of the highest rank first: nobody has taken their units yet, and the orders keep their place in the
-- queue. Answers how many of the missing units they gave. The caller has locked the position.
CREATE OR REPLACE FUNCTION short_offers(at_facility text, of_sku text, missing bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    given bigint := give_up_offers(at_facility, of_sku, missing, 'shorted', ARRAY (
        SELECT o.grant_id FROM stock_grants o JOIN order_guards g USING (order_id)
        WHERE (o.sku, o.facility_id) = (of_sku, at_facility) AND o.offered_until IS NOT NULL
        ORDER BY g.rank_at DESC, o.order_id DESC, o.grant_id));
BEGIN
    -- See short_holds().
    UPDATE stock s SET reserved = s.reserved - given,
        deficit = greatest(0, least(missing_units(s.reserved - given, s.on_hand, s.unavailable, s.oversell_limit), s.deficit))
    WHERE (s.facility_id, s.sku) = (at_facility, of_sku) AND given > 0;
    RETURN given;
END $$;
