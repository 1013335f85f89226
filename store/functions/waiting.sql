-- Units that wait are served in the order of their rank by the transaction that makes something possible: it has the position's
-- lock, and goes on until the units are spent.

-- What a waiting line may have of so many units at a place: a `grant`, which is the order's at once, since its plan would say
-- nothing but yes; or an `offer`, which the order plans with: it weighs what a consignment costs, is being planned, or
-- was planned when things were otherwise there. NULL: nothing. Not of lines that ship only with others: see gathering.sql.
CREATE OR REPLACE FUNCTION may_have(w waiting_units, place facilities, units bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN units <= 0 OR w.all_or_nothing AND units < w.quantity OR NOT may_come_from(w, place) THEN NULL
        WHEN w.planned_version < place.version THEN 'offer'
        WHEN units <= declined_units(w, place) THEN NULL
        WHEN w.plans_again OR w.planning OR w.could_have IS NULL THEN 'offer'
        ELSE 'grant' END;
$$;

-- The same of any line: what it ships only with others of is held for it, `gathered`. Says no at once where it can; the rest costs a look
-- at the others.
CREATE OR REPLACE FUNCTION served_as(w waiting_units, place facilities, units bigint, may_begin boolean, at timestamptz) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF w.ships_with IS NULL THEN
        RETURN may_have(w, place, units);
    END IF;
    RETURN CASE WHEN units > 0 AND may_come_from(w, place) AND is_held_for(w, place, may_begin, at) THEN 'gathered' END;
END $$;

-- Whether the facility gave the line back, and is not asked for it again yet.
CREATE OR REPLACE FUNCTION gave_back(for_order text, of_line text, at_facility text, at timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM stock_facts x WHERE x.order_id = for_order AND x.line_id = of_line AND x.facility_id = at_facility
        AND (x.offered_again_at IS NULL OR x.offered_again_at > at));
$$;

-- Units of a waiting line that its order is being asked about.
CREATE OR REPLACE FUNCTION offered_units(w waiting_units) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(g.quantity), 0)::bigint FROM stock_grants g WHERE g.order_id = w.order_id AND g.offered_until IS NOT NULL
        AND (g.fulfillment_order_id, g.line_id) = (w.fulfillment_order_id, w.line_id);
$$;

-- Whether offers pass the order by, since it has not answered the last ones.
CREATE OR REPLACE FUNCTION passed_by(for_order text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM order_guards g WHERE g.order_id = for_order AND g.no_offers_until > now());
$$;

-- Sets units of a position aside for a waiting line, as what served_as() says.
CREATE OR REPLACE FUNCTION set_aside(w waiting_units, at_facility text, units bigint, how text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    new_grant text;
BEGIN
    INSERT INTO stock_grants (order_id, fulfillment_order_id, line_id, sku, facility_id, quantity, gathered, offered_until, answers_before)
    SELECT w.order_id, w.fulfillment_order_id, w.line_id, w.sku, at_facility, units, how = 'gathered',
        CASE WHEN how <> 'grant' THEN now() + interval '60 seconds' END, CASE WHEN how <> 'grant' THEN a.last_value END
    FROM offers_answered a
    RETURNING grant_id INTO new_grant;
    UPDATE stock s SET reserved = s.reserved + units WHERE (s.facility_id, s.sku) = (at_facility, w.sku);
    INSERT INTO stock_movements (facility_id, sku, on_hand, reserved, unavailable, cause, order_id, reference, occurred_at)
    VALUES (at_facility, w.sku, 0, units, 0, CASE how WHEN 'grant' THEN 'granted' WHEN 'offer' THEN 'offered' ELSE how END, w.order_id,
        new_grant, now());
    IF how = 'gathered' THEN
        PERFORM queue_look(at_facility, w.order_id, w.ships_with, '-infinity');
    ELSIF how = 'grant' THEN
        DELETE FROM waiting_units x WHERE units = w.quantity
            AND (x.order_id, x.fulfillment_order_id, x.line_id) = (w.order_id, w.fulfillment_order_id, w.line_id);
        UPDATE waiting_units x SET quantity = x.quantity - units
        WHERE (x.order_id, x.fulfillment_order_id, x.line_id) = (w.order_id, w.fulfillment_order_id, w.line_id);
    END IF;
    RETURN new_grant;
END $$;

-- Gives what one position has to those who wait for it and could have it: the lowest rank first, and from what those behind have gathered,
-- too. Answers with the ids of what its order is to be told of. `at` is business time.
CREATE OR REPLACE FUNCTION serve_position(at_facility text, of_sku text, at timestamptz) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    place facilities := (SELECT f FROM facilities f WHERE f.facility_id = at_facility);
    remaining bigint := greatest(0, coalesce((SELECT s.available FROM stock s WHERE (s.facility_id, s.sku) = (at_facility, of_sku)), 0));
    gathered bigint := gathered_behind('', '-infinity', at_facility, of_sku);
    behind bigint := 0;
    waiter waiting_units;
    units bigint;
    how text;
    ids text[] := '{}';
BEGIN
    IF remaining + gathered = 0 THEN
        RETURN ids;
    END IF;
    FOR waiter IN
        SELECT w.* FROM waiting_units w
        WHERE w.sku = of_sku AND CASE WHEN w.ships_with IS NULL THEN may_have(w, place, least(remaining + gathered, w.quantity)) IS NOT NULL
                ELSE may_come_from(w, place) END
            AND NOT gave_back(w.order_id, w.line_id, at_facility, at)
        ORDER BY w.rank_at, w.order_id, w.fulfillment_order_id, w.line_id
        FOR UPDATE OF w
    LOOP
        IF gathered > 0 THEN
            behind := gathered_behind(waiter.order_id, waiter.rank_at, at_facility, of_sku);
        END IF;
        EXIT WHEN remaining + behind = 0;
        units := least(remaining + behind, missing_at(waiter, at_facility));
        how := served_as(waiter, place, units, true, at);
        CONTINUE WHEN how IS NULL OR how <> 'grant' AND passed_by(waiter.order_id);
        IF units > remaining THEN
            PERFORM take_gathered(waiter, at_facility, units - remaining);
            remaining := units;
        END IF;
        ids := ids || set_aside(waiter, at_facility, units, how);
        remaining := remaining - units;
    END LOOP;
    RETURN ids;
END $$;

-- Serves waiting units from positions whose rows the caller has locked. By SKU first, so that two transactions meet the same waiting
-- rows in the same order. One message an order.
CREATE OR REPLACE FUNCTION serve_waiting(facility_ids text[], skus text[], at timestamptz DEFAULT business_now()) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    raised record;
    ids text[] := '{}';
BEGIN
    FOR raised IN
        SELECT DISTINCT p.sku, p.facility_id FROM unnest(facility_ids, skus) AS p (facility_id, sku)
        WHERE EXISTS (SELECT FROM waiting_units w WHERE w.sku = p.sku)
        ORDER BY p.sku, p.facility_id
    LOOP
        ids := ids || serve_position(raised.facility_id, raised.sku, at);
    END LOOP;
    IF ids <> '{}' THEN
        PERFORM announce_grants(ids);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION announce_grants(ids text[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO order_inbox (order_id, kind, payload)
    SELECT g.order_id, 'stock_arrived', jsonb_build_object(
        'grants', coalesce(jsonb_agg(told ORDER BY g.grant_id) FILTER (WHERE g.offered_until IS NULL), '[]'),
        'offers', coalesce(jsonb_agg(told ORDER BY g.grant_id) FILTER (WHERE g.offered_until IS NOT NULL), '[]'))
    FROM stock_grants g, LATERAL (SELECT to_jsonb(g) - '{order_id,gathered,offered_until,answers_before}'::text[]) AS of (told)
    WHERE g.grant_id = ANY (ids) AND NOT g.gathered
    GROUP BY g.order_id
    ORDER BY g.order_id;
$$;

-- Units granted to an order's waiting lines that no record has seen yet.
CREATE OR REPLACE FUNCTION unseen_grants(for_order text) RETURNS TABLE (fulfillment_order_id text, line_id text, quantity bigint)
LANGUAGE sql STABLE AS $$
    SELECT g.fulfillment_order_id, g.line_id, sum(g.quantity)::bigint FROM stock_grants g
    WHERE g.order_id = for_order AND g.offered_until IS NULL
    GROUP BY g.fulfillment_order_id, g.line_id;
$$;

-- Keeps an order waiting for units, as it knows the matter: what was granted and not seen yet is taken off, nothing wanted is
-- no row. Who has not planned leaves what a plan has said of a row. The caller holds the exclusive demand_lock of every SKU named.
CREATE OR REPLACE FUNCTION wait_for(for_order text, wanted jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    rank timestamptz := (SELECT g.rank_at FROM order_guards g WHERE g.order_id = for_order);
    present bigint := (SELECT v.version FROM facilities_version v);
BEGIN
    WITH net AS (
        SELECT w.*, w.quantity - coalesce(g.quantity, 0) AS units
        FROM jsonb_populate_recordset(NULL::waiting_units, wanted) AS w
        LEFT JOIN unseen_grants(for_order) AS g ON (g.fulfillment_order_id, g.line_id) = (w.fulfillment_order_id, w.line_id)
    ), gone AS (
        DELETE FROM waiting_units w USING net WHERE w.order_id = for_order AND net.units <= 0
            AND (w.fulfillment_order_id, w.line_id) = (net.fulfillment_order_id, net.line_id)
    )
    INSERT INTO waiting_units AS held (order_id, fulfillment_order_id, line_id, sku, quantity, rank_at, plans_again, all_or_nothing,
        ships_with, only_at, expires_at, could_have, declined, planned_version)
    SELECT for_order, net.fulfillment_order_id, net.line_id, net.sku, net.units, rank, coalesce(net.plans_again, false),
        coalesce(net.all_or_nothing, false), net.ships_with, coalesce(net.only_at, '{}'), net.expires_at, net.could_have, coalesce(net.declined, '{}'),
        coalesce(net.planned_version, present)
    FROM net WHERE net.units > 0
    ON CONFLICT (order_id, fulfillment_order_id, line_id) DO UPDATE SET sku = excluded.sku, quantity = excluded.quantity,
        only_at = excluded.only_at,
        expires_at = CASE WHEN excluded.could_have IS NULL THEN held.expires_at ELSE excluded.expires_at END,
        plans_again = CASE WHEN excluded.could_have IS NULL THEN held.plans_again ELSE excluded.plans_again END,
        all_or_nothing = CASE WHEN excluded.could_have IS NULL THEN held.all_or_nothing ELSE excluded.all_or_nothing END,
        ships_with = CASE WHEN excluded.could_have IS NULL THEN held.ships_with ELSE excluded.ships_with END,
        declined = CASE WHEN excluded.could_have IS NULL THEN held.declined ELSE excluded.declined END,
        planned_version = CASE WHEN excluded.could_have IS NULL THEN held.planned_version ELSE excluded.planned_version END,
        could_have = coalesce(excluded.could_have, held.could_have);
    PERFORM queue_gathered(for_order, rank, ARRAY (SELECT w.sku FROM waiting_units w WHERE w.order_id = for_order));
END $$;

-- Positions where something came for a waiting line after the plan was made: NULL if there are none. Waiting on purpose, beside
-- stock that the plan has seen, is the plan's right.
CREATE OR REPLACE FUNCTION arrived_since(waiting jsonb, planned_at pg_snapshot) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
        SELECT jsonb_agg(DISTINCT jsonb_build_object('facility_id', s.facility_id, 'sku', s.sku, 'available', s.available))
        FROM jsonb_populate_recordset(NULL::waiting_units, waiting) AS w
        JOIN stock s ON s.sku = w.sku
        JOIN facilities f ON f.facility_id = s.facility_id
        WHERE s.available > 0 AND NOT pg_visible_in_snapshot(s.raised_by, planned_at)
            AND CASE WHEN w.only_at = '{}' THEN f.ship_enabled ELSE s.facility_id = ANY (w.only_at) END
            AND (w.could_have IS NULL OR f.number < 8 * length(w.could_have) AND get_bit(w.could_have, f.number) = 1)
    );
END $$;

-- Whether a plan that lets units wait is out of date: something came for them, or places are not what they were. The positions, or
-- nothing in particular; NULL: it stands. Whoever changes places waits for this transaction, or is seen by it.
CREATE OR REPLACE FUNCTION outdated(waiting jsonb, request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(20254, 0);
    IF (request ->> 'facilities_version')::bigint < (SELECT v.version FROM facilities_version v) THEN
        RETURN '[]';
    END IF;
    RETURN arrived_since(waiting, (request ->> 'planned_at')::pg_snapshot);
END $$;

-- Places that a plan found full: they are looked at again when their next day begins.
CREATE OR REPLACE FUNCTION look_again(places jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO serve_queue (facility_id, due, changes)
    SELECT p.facility_id, p.due, true FROM jsonb_to_recordset(places) AS p (facility_id text, due timestamptz)
    WHERE NOT EXISTS (SELECT FROM serve_queue q WHERE (q.facility_id, q.due, q.changes) = (p.facility_id, p.due, true));
$$;
